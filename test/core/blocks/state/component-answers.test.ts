import { fromBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { open } from "#components/in-memory/state-store.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import { ErrorInfoSchema, StatusSchema } from "#core/wire/grpc/gen/google/rpc/status_pb.js";
import { renderStatus } from "#core/wire/grpc/render-error.ts";
import type { Rpc } from "#core/wire/grpc/rpcs.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { api } from "../../api.ts";
import { grpcClient, grpcError } from "../../grpc-call.ts";

const answer = {
  http: 506,
  grpc: 15,
  message: "disk gone",
  tag: "DISK",
  reason: "BROKEN",
  domain: "disks.example",
} as const;
const fail = (more: Partial<typeof answer> = {}): Promise<never> =>
  Promise.reject(
    new ComponentError("rejected", "api error: code = DataLoss desc = disk gone", {
      answer: { ...answer, ...more },
    }),
  );
function appOf(more: Parameters<typeof fail>[0] = {}) {
  const refuse = (): Promise<never> => fail(more);
  const port: StateStore = {
    ...open(fakeClock()),
    read: refuse,
    write: refuse,
    writeMany: refuse,
    query: refuse,
    transact: refuse,
  };
  return fakeApp({ components: [{ kind: "state", name: "mem", port, keyPrefix: "app||" }] });
}

/** What a pluggable store says of its own failure with Dapr's `kit_error`. */
describe("a store that says what its caller is to be told", () => {
  const store = "/v1.0/state/mem";
  const text = "api error: code = DataLoss desc = disk gone";
  it.each([
    ["get", `${store}/a`, {}, "ERR_STATE_GET", `fail to get a from state store mem: ${text}`],
    [
      "bulk get",
      `${store}/bulk`,
      { method: "POST", body: { keys: ["a", "b"] } },
      "ERR_STATE_BULK_GET",
      text,
    ],
    [
      "save",
      store,
      { method: "POST", body: [{ key: "a", value: 1 }] },
      "ERR_STATE_SAVE",
      `failed saving state in state store mem: ${text}`,
    ],
    [
      "delete",
      `${store}/a`,
      { method: "DELETE" },
      "ERR_STATE_DELETE",
      `failed deleting state with key a: ${text}`,
    ],
  ] as const)("has its HTTP status in %s", async (_, path, init, errorCode, message) => {
    const got = await api(appOf(), [stateHttp])(path, init);
    expect(got.status).toBe(506);
    expect(JSON.parse(got.text)).toEqual({ errorCode, message });
  });
  it("has the whole answer of a query, with its reason where it has no code", async () => {
    const ask = (tag: string) =>
      api(appOf({ tag } as never), [stateHttp])("/v1.0-alpha1/state/mem/query", {
        method: "POST",
        body: {},
      });
    const details = [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        domain: "disks.example",
        metadata: null,
        reason: "BROKEN",
      },
    ];
    const message = "disk gone";
    const named = await ask("DISK");
    expect(named.status).toBe(506);
    expect(JSON.parse(named.text)).toEqual({ errorCode: "DISK", message, details });
    expect(JSON.parse((await ask("")).text)).toEqual({ errorCode: "BROKEN", message, details });
  });
  it("keeps Dapr's status where a transaction fails", async () => {
    const operations = [{ operation: "upsert", request: { key: "a", value: 1 } }];
    const got = await api(appOf(), [stateHttp])(`${store}/transaction`, {
      method: "POST",
      body: { operations },
    });
    expect(got.status).toBe(500);
  });
  it("has its own status over gRPC, in bulk too", async () => {
    const client = grpcClient(appOf());
    const key = "a";
    const item = { key, value: new Uint8Array() };
    const calls = {
      GetState: { storeName: "mem", key },
      GetBulkState: { storeName: "mem", keys: [key, "b"] },
      SaveState: { storeName: "mem", states: [item, item] },
      DeleteState: { storeName: "mem", key },
      DeleteBulkState: { storeName: "mem", states: [{ key }, { key: "b" }] },
      QueryStateAlpha1: { storeName: "mem", query: "{}" },
    } as const;
    for (const [rpc, request] of Object.entries(calls)) {
      const { code, message, details } = renderStatus(
        await grpcError(client.unary(rpc as Rpc, request)),
      );
      expect({ rpc, code, message }).toEqual({ rpc, code: 15, message: "disk gone" });
      const [detail] = fromBinary(StatusSchema, details as Uint8Array).details;
      expect(anyUnpack(detail as Any, ErrorInfoSchema)).toMatchObject({
        reason: "BROKEN",
        domain: "disks.example",
      });
    }
  });
});
