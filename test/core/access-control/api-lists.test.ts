import type { ApiLists, ApiRule } from "#core/resources/api-lists.ts";
import { describe, expect, it } from "vitest";
import { grpcApi, httpApi, invokeApi, isAllowed } from "#core/access-control/api-lists.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { admit } from "#core/gate/admit.ts";
import { boundGrpcBlocks } from "#test/support/runtime-services.ts";
import { plainFacts, plainOperation } from "#test/support/plain-operation.ts";
import { rpcs } from "#core/wire/grpc/rpcs.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { api as surface } from "../api.ts";

const http = (text: string): ApiRule => rule("http", text);
const grpc = (text: string): ApiRule => rule("grpc", text);
function rule(protocol: "http" | "grpc", text: string): ApiRule {
  const [version = "", name = ""] = text.split(/\/(.*)/);
  return { protocol, version, name };
}
const lists = (allowed: readonly ApiRule[], denied: readonly ApiRule[] = []) => ({
  allowed,
  denied,
});

describe("API lists over HTTP", () => {
  const judge = (path: string, allowed: readonly ApiRule[], denied: readonly ApiRule[] = []) => {
    const [, , name = ""] = path.split("/");
    const api = httpApi(name === "healthz" ? undefined : name, path);
    return api === undefined || isAllowed(lists(allowed, denied), api);
  };
  it.each([
    ["/v1.0/state/:store", "v1/state"],
    ["/v1.0-alpha1/state/:store/query", "v1alpha1/state"],
    ["/v1.0-beta1/workflows/:component/:id", "v1beta1/workflows"],
    ["/v1.0-alpha2/conversation/:name/converse", "v1alpha2/conversation"],
    ["/v1.0-alpha1/subtlecrypto/:name/getkey", "v1alpha1/subtlecrypto"],
    ["/v1.0/state/:store/:key", "v1.0/state"],
    ["/v1.0-alpha1/state/:store/query", "v1.0-alpha1/state"],
    ["/v1.0/publish/:pubsub/:topic{.+}", "v1.0/pub"],
  ])("put %s under %s", (path, name) => {
    expect(judge(path, [http(name)])).toBe(true);
    expect(judge(path, [], [http(name)])).toBe(false);
  });
  it.each([
    ["/v1.0/state/:store", "v1alpha1/state"],
    ["/v1.0/state/:store", "v1/secrets"],
    ["/v1.0/state/:store", "v1/stat"],
    ["/v1.0-alpha1/state/:store/query", "v1/state"],
    ["/v1.0-alpha1/state/:store/query", "v1.0/state"],
  ])("do not put %s under %s", (path, name) => {
    expect(judge(path, [http(name)])).toBe(false);
    expect(judge(path, [], [http(name)])).toBe(true);
  });
  it("let a denial win over a permission", () => {
    expect(judge("/v1.0/state/:store", [http("v1/state")], [http("v1.0/state")])).toBe(false);
  });
  it("never judge by the rules of the other protocol", () => {
    expect(judge("/v1.0/state/:store", [grpc("v1/secrets")], [grpc("v1/state")])).toBe(true);
  });
  it("cannot close health", () => {
    expect(judge("/v1.0/healthz", [http("v1/state")], [http("v1.0/healthz")])).toBe(true);
    expect(judge("/v1.0/healthz/outbound", [http("v1/state")])).toBe(true);
  });
  it("name invocation as v1 and as v1.0", () => {
    for (const name of ["v1/invoke", "v1.0/invoke"])
      expect(isAllowed(lists([], [http(name)]), invokeApi)).toBe(false);
  });
});

describe("API lists over gRPC", () => {
  /** By the operation that a block has for the rpc; `undefined` where none has. */
  const apis = new Map<string, string | undefined>();
  const note = (rpc: string, { api }: { readonly api: string | undefined }): void =>
    void apis.set(rpc, api);
  for (const block of boundGrpcBlocks) block({ unary: note, serverStream: note, bidi: note });
  const isRpcAllowed = (lists: ApiLists, rpc: string): boolean =>
    isAllowed(lists, grpcApi(apis.get(rpc), rpc));
  it("close what is denied, and all but what is allowed", () => {
    const denied = lists([], [grpc("v1/state")]);
    expect(isRpcAllowed(denied, "GetState")).toBe(false);
    expect(isRpcAllowed(denied, "QueryStateAlpha1")).toBe(true);
    expect(isRpcAllowed(denied, "GetSecret")).toBe(true);
    const allowed = lists([grpc("v1/state")]);
    expect(isRpcAllowed(allowed, "GetState")).toBe(true);
    expect(isRpcAllowed(allowed, "GetSecret")).toBe(false);
  });
  it("have no older form of versions", () => {
    expect(isRpcAllowed(lists([], [grpc("v1.0/state")]), "GetState")).toBe(true);
  });
  it("let a denial win, and never judge by HTTP's rules", () => {
    expect(isRpcAllowed(lists([grpc("v1/state")], [grpc("v1/state")]), "GetState")).toBe(false);
    expect(isRpcAllowed(lists([http("v1/secrets")], [http("v1/state")]), "GetState")).toBe(true);
  });
  it("keep an rpc that no list can name out only where there is a list of what is allowed", () => {
    expect(isRpcAllowed(lists([grpc("v1/state")]), "Unheard")).toBe(false);
    expect(isRpcAllowed(lists([], [grpc("v1/state")]), "Unheard")).toBe(true);
  });
  it("say nothing about other services", () => {
    const shut = lists([grpc("v1/state")]);
    const arrival = { app: fakeApp({ apiLists: shut }), header: () => undefined };
    expect(admit(arrival, { bytes: 0, isStream: true })).toBeInstanceOf(Function);
  });
  it("can name every rpc that a block has", () => {
    const all = ["state", "secrets", "publish", "invoke", "bindings", "actors", "metadata"]
      .concat(["configuration", "lock", "unlock", "crypto", "subtlecrypto", "workflows"])
      .concat(["jobs", "shutdown", "subscribe", "conversation"])
      .flatMap((name) =>
        ["v1", "v1alpha1", "v1alpha2", "v1beta1"].map((version) => grpc(`${version}/${name}`)),
      );
    expect([...apis.keys()].filter((each) => !isRpcAllowed(lists(all), each))).toEqual([]);
    expect([...rpcs.keys()].filter((each) => !apis.has(each))).toEqual([]);
  });
});

describe("an app with API lists", () => {
  const operation = (name: `${string}.${string}`, api: string | undefined) =>
    plainOperation<undefined, string>(name, async () => name, { ...plainFacts, api });
  const block = (routes: HttpRoutes): void => {
    for (const [path, name, of] of [
      ["/v1.0/state/:store", "state.get", "state"],
      ["/v1.0/secrets/:store/:key", "secrets.get", "secrets"],
      ["/v1.0/metadata", "metadata.get", "metadata"],
      ["/v1.0/healthz", "health.check", undefined],
    ] as const)
      routes.on(
        ["GET"],
        path,
        operation(name, of),
        () => undefined,
        (body) => ({ status: 200, body }),
      );
  };
  const call = (apiLists: ReturnType<typeof lists>) => surface(fakeApp({ apiLists }), [block]);

  it("has what is left, and answers the rest like a path that nobody knows", async () => {
    const get = call(lists([http("v1/state"), http("v1/invoke")]));
    expect((await get("/v1.0/state/s")).text).toBe("state.get");
    expect((await get("/v1.0/healthz")).text).toBe("health.check");
    const refused = await get("/v1.0/secrets/s/k");
    expect([refused.status, refused.json["errorCode"]]).toEqual([404, "ERR_DIRECT_INVOKE"]);
  });
  it("does not even invoke where that is not allowed", async () => {
    const get = call(lists([http("v1/state")]));
    for (const path of ["/v1.0/secrets/s/k", "/v1.0/invoke/app/method/x", "/nowhere"]) {
      const answer = await get(path, { headers: { "dapr-app-id": "app" } });
      expect([answer.status, answer.text]).toEqual([404, "404 page not found\n"]);
    }
  });
  it("cannot be talked round by another spelling of the path", async () => {
    const get = call(lists([], [http("v1.0/secrets")]));
    for (const path of ["//v1.0//secrets/s/k", "/v1.0/state/../secrets/s/k", "/v1.0/%73ecrets/s/k"])
      expect((await get(path)).status).toBe(404);
  });
});
