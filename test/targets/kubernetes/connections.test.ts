import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { PodRecord } from "#targets/kubernetes/messages.ts";
import {
  createHeadReader,
  mostHeadBytes,
  readHead,
} from "#targets/kubernetes/supervisor/http-head.ts";
import { mergeExpositions } from "#targets/kubernetes/supervisor/merge-metrics.ts";
import { createRoutes, hostNetworkGroup } from "#targets/kubernetes/supervisor/routes.ts";

const record = (uid: string, ips: readonly string[], hostNetwork = false): PodRecord =>
  ({ uid, ips, hostNetwork, tokenHash: `hash of ${uid}` }) as PodRecord;

describe("which group a connection is of", () => {
  it("is told by the address of its pod", () => {
    const routes = createRoutes(["10.0.0.1"]);
    routes.put(record("a", ["10.244.0.5"]), "namespace/shop");
    expect(routes.of("10.244.0.5")).toEqual({ group: "namespace/shop" });
    expect(routes.of("10.0.0.1")).toEqual({ candidates: new Set() });
    routes.put(record("h", ["10.0.0.1", "fd00::1"], true), hostNetworkGroup);
    expect(routes.of("10.0.0.1")).toEqual({ group: hostNetworkGroup });
    expect(routes.of("127.0.0.1")).toEqual({ group: hostNetworkGroup });
    expect(routes.of("fd00::1")).toEqual({ group: hostNetworkGroup });
    routes.remove("h");
    expect(routes.of("10.0.0.1")).toEqual({ candidates: new Set() });
    expect(routes.of("10.244.0.6")).toEqual({ candidates: new Set() });
  });
  it("could be of any with a pod that has no address yet", () => {
    const routes = createRoutes([]);
    routes.put(record("a", []), "namespace/shop");
    routes.put(record("b", []), "namespace/bank");
    expect(routes.of("10.244.0.5")).toEqual({
      candidates: new Set(["namespace/shop", "namespace/bank"]),
    });
    routes.put(record("a", ["10.244.0.5"]), "namespace/shop");
    expect(routes.of("10.244.0.5")).toEqual({ group: "namespace/shop" });
    expect(routes.of("10.244.0.6")).toEqual({ candidates: new Set(["namespace/bank"]) });
  });
  it("is not told by addresses where something changes them", () => {
    const routes = createRoutes(["10.0.0.1"], false);
    routes.put(record("a", ["10.244.0.5"]), "namespace/shop");
    routes.put(record("b", ["10.244.0.6"]), "namespace/bank");
    for (const address of ["10.244.0.5", "10.0.0.1", "192.0.2.1"])
      expect(routes.of(address)).toEqual({
        candidates: new Set(["namespace/shop", "namespace/bank"]),
      });
    expect(routes.withToken("hash of b")).toBe("namespace/bank");
  });
  it("an address that goes to the next pod stays with it when the former is removed late", () => {
    const routes = createRoutes([]);
    routes.put(record("a", ["10.244.0.5"]), "namespace/shop");
    routes.put(record("b", ["10.244.0.5"]), "namespace/bank");
    routes.remove("a");
    expect(routes.of("10.244.0.5")).toEqual({ group: "namespace/bank" });
    expect(routes.withToken("hash of a")).toBeUndefined();
  });
});

describe("the head of a connection", () => {
  const head = (text: string) => readHead(Buffer.from(text, "latin1"));
  const token = { kind: "token", hash: hash("sha256", "s3cret", "hex"), podUid: undefined };
  it.each([
    ["GET / HTTP/1.1\r\nHost: x\r\ndapr-api-token: s3cret\r\n\r\n"],
    ["GET / HTTP/1.1\r\nDapr-Api-Token:s3cret \r\nHost: x\r\n"],
    ["GET / HTTP/1.1\ndapr-api-token:\ts3cret\n\n"],
  ])("has the token: %j", (text) => {
    expect(head(text)).toEqual(token);
  });
  it.each([
    ["", "more"],
    ["GE", "more"],
    ["GET / HTTP/1.1\r\nHost: x\r\n", "more"],
    ["GET / HTTP/1.1\r\ndapr-api-token: s3c", "more"],
    ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "none"],
    ["POST / HTTP/1.1\r\nHost: x\r\n\r\n\r\ndapr-api-token: s3cret\r\n", "none"],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
    ["PR", "more"],
    ["\r\n\r\n", "more"],
    ["GET / HTTP/1.1\r\nx-dapr-api-token: s3cret\r\n", "more"],
    ["GET /?dapr-api-token:s3cret HTTP/1.1\r\n", "more"],
    ["dapr-api-token: s3cret\r\n", "more"],
    ["GET / HTTP/1.1\r\ndapr-api-token : s3cret\r\n", "more"],
    [`GET /${"a".repeat(mostHeadBytes)}`, "none"],
  ])("has none: %j", (text, kind) => {
    expect(head(text)).toEqual({ kind });
  });
  it("is read once, however small its pieces are, and costs no more for thousands of spaces", () => {
    for (const text of [
      `GET / HTTP/1.1\r\ndapr-api-token:${" ".repeat(16_000)}x`,
      `GET / HTTP/1.1\r\ndapr-api-token: x${" \t".repeat(8000)}y`,
      `GET / HTTP/1.1\r\n${"a\n".repeat(8000)}`,
    ]) {
      const reader = createHeadReader();
      const began = performance.now();
      for (const byte of Buffer.from(text)) reader.push(Buffer.of(byte));
      expect(performance.now() - began).toBeLessThan(1000);
      expect(reader.bytes.toString("latin1")).toBe(text);
    }
  });
  it("names the pod that a service-account token claims", () => {
    const claims = { "kubernetes.io": { pod: { uid: "u-1" } } };
    const jwt = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
    expect(head(`GET / HTTP/1.1\r\ndapr-api-token: ${jwt}\r\n\r\n`)).toMatchObject({
      kind: "token",
      podUid: "u-1",
    });
    for (const bad of ["a.!!.c", "a.bnVsbA.c", "a.W10.c", "..", "a.eyJ9.c"])
      expect(head(`GET / HTTP/1.1\r\ndapr-api-token: ${bad}\r\n\r\n`)).toMatchObject({
        podUid: undefined,
      });
  });
});

describe("metrics of several groups", () => {
  it("stand together by metric", () => {
    const text = (group: string) =>
      `# HELP b_total B.\n# TYPE b_total counter\nb_total{app_id="${group}"} 1\n# HELP a A, with # HELP in it.\n# TYPE a gauge\na{app_id="${group}"} 2\n`;
    expect(mergeExpositions([text("x"), "", text("y")])).toBe(
      '# HELP a A, with # HELP in it.\n# TYPE a gauge\na{app_id="x"} 2\na{app_id="y"} 2\n' +
        '# HELP b_total B.\n# TYPE b_total counter\nb_total{app_id="x"} 1\nb_total{app_id="y"} 1\n',
    );
  });
});
