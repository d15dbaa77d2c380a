import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { lockHttp } from "#core/blocks/lock/http.ts";
import { lockGrpc } from "#core/blocks/lock/grpc.ts";
import type { LockRelease, LockStore } from "#core/ports/lock-store.ts";
import { renderStatus } from "#core/wire/grpc/render-error.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { api, type ApiAnswer } from "../../api.ts";
import { grpcClient, grpcError } from "../../grpc-call.ts";

/** A store that answers as told, and keeps what it was asked. */
function store({ free = true, release = "released" as LockRelease, broken = "" } = {}) {
  const asked: unknown[][] = [];
  const port: LockStore = {
    acquire: async (resource, owner, ttlSeconds) => {
      asked.push([resource, owner, ttlSeconds]);
      if (broken !== "") throw new Error(broken);
      return free;
    },
    release: async (resource, owner) => {
      asked.push([resource, owner]);
      if (broken !== "") throw new Error(broken);
      return release;
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return { asked, port };
}
function appWith(port: LockStore, metadata: Readonly<Record<string, string>> = {}): App {
  return fakeApp({ components: [{ kind: "lock", name: "locks", port, metadata }] });
}
const good = { resourceId: "r", lockOwner: "o", expiryInSeconds: 5 };

async function post(app: App, path: string, body: unknown): Promise<ApiAnswer> {
  return api(app, [lockHttp])(`/v1.0-alpha1/${path}`, { method: "POST", body });
}
const grpc = (app: App) => grpcClient(app, {}, [lockGrpc]);

describe("lock.try", () => {
  it.each([true, false])("says over both wires that success is %s", async (free) => {
    const { port, asked } = store({ free });
    const answer = await post(appWith(port), "lock/locks", good);
    expect(answer).toMatchObject({ status: 200, text: `{"success":${free}}` });
    expect(answer.headers.get("content-type")).toBe("application/json");
    const request = { storeName: "locks", ...good };
    expect(await grpc(appWith(port)).unary("TryLockAlpha1", request)).toMatchObject({
      success: free,
    });
    expect(asked).toEqual([
      ["lock||app||r", "o", 5],
      ["lock||app||r", "o", 5],
    ]);
  });
  it.each([
    [{}, "lock||app||r"],
    [{ keyprefix: "appid" }, "lock||app||r"],
    [{ keyprefix: "name" }, "lock||locks||r"],
    [{ keyprefix: "none" }, "lock||r"],
    [{ keyprefix: "Shared" }, "lock||shared||r"],
    [{ keyprefix: "namespace" }, "lock||namespace||r"],
  ])("stores under the prefix of %j", async (metadata, stored) => {
    const { port, asked } = store();
    await post(appWith(port, metadata as Record<string, string>), "lock/locks", good);
    expect(asked).toEqual([[stored, "o", 5]]);
  });
  it.each([
    ["resource_id in snake case", { resource_id: "r", lock_owner: "o", expiry_in_seconds: 5 }],
    ["a number in quotes", { ...good, expiryInSeconds: "5" }],
    ["an exponent", '{"resourceId":"r","lockOwner":"o","expiryInSeconds":0.5e1}'],
    ["fields that nobody knows", { ...good, more: [1], storeName: "other" }],
    ["null beside a value", { ...good, resource_id: null }],
  ])("takes %s, as protobuf does", async (_what, body) => {
    const { port, asked } = store();
    expect((await post(appWith(port), "lock/locks", body)).text).toBe('{"success":true}');
    expect(asked).toEqual([["lock||app||r", "o", 5]]);
  });
  it.each([
    ["no JSON", "{", "unexpected EOF"],
    ["an array", "[]", "a message is an object, not array"],
    ["null", "null", "a message is an object, not null"],
    ["a number for text", { ...good, resourceId: 5 }, "string field resourceId: number"],
    ["an object for text", { ...good, lockOwner: {} }, "string field lockOwner: object"],
    ["a store that is not text", { ...good, storeName: 5 }, "string field storeName"],
    ["text for a number", { ...good, expiryInSeconds: "soon" }, "int32 field expiryInSeconds"],
    ["a fraction", { ...good, expiryInSeconds: 1.5 }, "int32 field expiryInSeconds"],
    ["too large a number", { ...good, expiryInSeconds: 2 ** 31 }, "int32 field expiryInSeconds"],
    ["a boolean", { ...good, expiryInSeconds: true }, "int32 field expiryInSeconds"],
    ["the same field twice", { ...good, resource_id: "r" }, "duplicate field"],
    [
      "nesting without end",
      `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
      "a message is an object, not array",
    ],
  ])("refuses %s", async (_what, body, why) => {
    const { port, asked } = store();
    for (const verb of ["lock", "unlock"]) {
      const answer = await post(appWith(port), `${verb}/locks`, body);
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ errorCode: "ERR_MALFORMED_REQUEST" });
      expect(answer.json["message"]).toContain("failed deserializing HTTP body: ");
      expect(answer.json["message"]).toContain(why);
    }
    expect(asked).toEqual([]);
  });
  it("refuses a body past the limit", async () => {
    const app = fakeApp({ components: [], maxBodyBytes: 10 });
    const answer = await post(app, "lock/locks", good);
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.json).toEqual({
      errorCode: "ERR_BODY_READ",
      message: "failed to read request body: stream too large",
    });
  });
  it.each([
    [{ ...good, resourceId: "" }, "ResourceId is empty in lock store locks"],
    [{ ...good, lockOwner: "" }, "LockOwner is empty in lock store locks"],
    [{ ...good, expiryInSeconds: 0 }, "ExpiryInSeconds is not positive in lock store locks"],
    [{ ...good, expiryInSeconds: -1 }, "ExpiryInSeconds is not positive in lock store locks"],
    [{}, "ExpiryInSeconds is not positive in lock store locks"],
    ["", "ExpiryInSeconds is not positive in lock store locks"],
  ])("refuses %j over both wires", async (body, message) => {
    const { port, asked } = store();
    const answer = await post(appWith(port), "lock/locks", body);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({ errorCode: "ERR_MALFORMED_REQUEST", message });
    const request = { storeName: "locks", ...(typeof body === "string" ? {} : body) };
    const error = await grpcError(grpc(appWith(port)).unary("TryLockAlpha1", request));
    expect(renderStatus(error)).toEqual({ code: 3, message });
    expect(asked).toEqual([]);
  });
  it("refuses a resource that could stand for another", async () => {
    const { port } = store();
    const answer = await post(appWith(port), "lock/locks", { ...good, resourceId: "a||b" });
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_TRY_LOCK",
      message: "failed to try acquiring lock: input key/keyPrefix 'a||b' can't contain '||'",
    });
  });
  it("passes the store's failure on", async () => {
    const { port } = store({ broken: "no connection" });
    const message = "failed to try acquiring lock: no connection";
    const answer = await post(appWith(port), "lock/locks", good);
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({ errorCode: "ERR_TRY_LOCK", message });
    const request = { storeName: "locks", ...good };
    const error = await grpcError(grpc(appWith(port)).unary("TryLockAlpha1", request));
    expect(renderStatus(error)).toEqual({ code: 13, message });
  });
});

describe("lock.unlock", () => {
  it.each([
    ["released", 0],
    ["absent", 1],
    ["not-owner", 2],
  ] as const)("says %s as the number %i", async (release, status) => {
    const { port, asked } = store({ release });
    const body = { resourceId: "r", lockOwner: "o" };
    expect(await post(appWith(port), "unlock/locks", body)).toMatchObject({
      status: 200,
      text: `{"status":${status}}`,
    });
    const client = grpc(appWith(port));
    expect(await client.unary("UnlockAlpha1", { storeName: "locks", ...body })).toMatchObject({
      status,
    });
    expect(asked).toEqual([
      ["lock||app||r", "o"],
      ["lock||app||r", "o"],
    ]);
  });
  it("refuses what is empty, and passes the store's failure on", async () => {
    const { port } = store({ broken: "no connection" });
    const app = appWith(port);
    expect((await post(app, "unlock/locks", "")).json).toEqual({
      errorCode: "ERR_MALFORMED_REQUEST",
      message: "ResourceId is empty in lock store locks",
    });
    expect((await post(app, "unlock/locks", { resourceId: "r" })).json).toEqual({
      errorCode: "ERR_MALFORMED_REQUEST",
      message: "LockOwner is empty in lock store locks",
    });
    const answer = await post(app, "unlock/locks", good);
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_UNLOCK",
      message: "failed to release lock: no connection",
    });
    const illegal = { ...good, resourceId: "a||b" };
    expect((await post(app, "unlock/locks", illegal)).json).toMatchObject({
      errorCode: "ERR_UNLOCK",
    });
  });
});

describe("lock stores", () => {
  it.each(["lock", "unlock"])("%s of a store that is not there", async (verb) => {
    const { port } = store();
    const answer = await post(appWith(port), `${verb}/other`, good);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      errorCode: "ERR_LOCK_STORE_NOT_FOUND",
      message: "lock store other not found",
    });
    const rpc = verb === "lock" ? "TryLockAlpha1" : "UnlockAlpha1";
    const error = await grpcError(grpc(appWith(port)).unary(rpc, { storeName: "other", ...good }));
    expect(renderStatus(error)).toEqual({ code: 3, message: "lock store other not found" });
  });
  it.each(["lock", "unlock"])("%s where no store is configured", async (verb) => {
    const answer = await post(fakeApp(), `${verb}/locks`, good);
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_LOCK_STORE_NOT_CONFIGURED",
      message: "lock store is not configured",
    });
    const rpc = verb === "lock" ? "TryLockAlpha1" : "UnlockAlpha1";
    const error = await grpcError(grpc(fakeApp()).unary(rpc, { storeName: "locks", ...good }));
    expect(renderStatus(error)).toEqual({ code: 9, message: "lock store is not configured" });
  });
  it("are only in the alpha API, and take only POST", async () => {
    const { port } = store();
    const call = api(appWith(port), [lockHttp]);
    for (const [path, method] of [
      ["/v1.0/lock/locks", "POST"],
      ["/v1.0-alpha1/lock/locks", "PUT"],
      ["/v1.0-alpha1/unlock/locks", "GET"],
    ] as const)
      expect((await call(path, { method })).json).toMatchObject({
        errorCode: expect.stringMatching(/^ERR_DIRECT_INVOKE/),
      });
  });
});
