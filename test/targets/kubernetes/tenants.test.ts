import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Rpc } from "#core/wire/grpc/rpcs.ts";
import { eventually } from "#test/support/eventually.ts";
import { callFrom, hostIp } from "#test/support/node-cluster.ts";
import { type NodeTenant, type NodeTenants, startTenants } from "#test/support/node-tenants.ts";
import { http2From } from "#test/support/raw-from.ts";
import { pathOfRpc, requestOf, rpcStream } from "#test/support/rpc-stream.ts";

type Asked = readonly [method: string, path: string, body?: unknown];
const json = { "content-type": "application/json" };
const secretOf = ({ mark }: Pick<NodeTenant, "mark">): string => `secret-of-${mark}`;

/** One request of each block, to components of that mark. */
const blocks = (mark: string, redis: boolean): Readonly<Record<string, Asked>> => ({
  "state get": ["GET", `/v1.0/state/${mark}-state/k`],
  "state save": ["POST", `/v1.0/state/${mark}-state`, [{ key: "k", value: "stolen" }]],
  "state delete": ["DELETE", `/v1.0/state/${mark}-state/k`],
  publish: ["POST", `/v1.0/publish/${mark}-pubsub/topic`, { stolen: true }],
  binding: [
    "POST",
    `/v1.0/bindings/${mark}-files`,
    { operation: "get", metadata: { fileName: "f" } },
  ],
  secret: ["GET", `/v1.0/secrets/${mark}-secrets/secret`],
  "bulk secrets": ["GET", `/v1.0/secrets/${mark}-secrets/bulk`],
  crypto: ["PUT", `/v1.0-alpha1/crypto/${mark}-crypto/encrypt`],
  conversation: [
    "POST",
    `/v1.0-alpha1/conversation/${mark}-echo/converse`,
    { inputs: [{ content: secretOf({ mark }) }] },
  ],
  ...(redis
    ? {
        lock: [
          "POST",
          `/v1.0-alpha1/lock/${mark}-lock`,
          { resourceId: "r", lockOwner: "o", expiryInSeconds: 5 },
        ],
        configuration: ["GET", `/v1.0/configuration/${mark}-config?key=k`],
      }
    : {}),
});
const common: Readonly<Record<string, Asked>> = {
  invoke: ["POST", "/v1.0/invoke/shop/method/steal"],
  metadata: ["GET", "/v1.0/metadata"],
  "set metadata": ["PUT", "/v1.0/metadata/x", "stolen"],
  shutdown: ["POST", "/v1.0/shutdown"],
};
const rpcs = (mark: string): ReadonlyArray<readonly [Rpc, object]> => [
  ["GetState", { storeName: `${mark}-state`, key: "k" }],
  ["DeleteState", { storeName: `${mark}-state`, key: "k" }],
  ["PublishEvent", { pubsubName: `${mark}-pubsub`, topic: "topic", data: new Uint8Array([1]) }],
  ["GetSecret", { storeName: `${mark}-secrets`, key: "secret" }],
  ["GetMetadata", {}],
  ["InvokeService", { id: "shop", message: { method: "steal", httpExtension: { verb: 3 } } }],
  ["SubscribeConfiguration", { storeName: `${mark}-config`, keys: ["k"] }],
];

describe.each([
  ["namespace", "a process for each namespace"],
  ["shared", "one process"],
] as const)("apps of three namespaces in one runtime (%s: %s)", (...[isolation]) => {
  let tenants: NodeTenants;
  let cells = 0;
  const http = (): number => tenants.node.port("http");
  async function send(from: string, token: string | undefined, [method, path, body]: Asked) {
    const answer = await callFrom(from, http(), path, {
      ...(token === undefined ? {} : { token }),
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: json }),
    });
    return { status: answer.status, text: answer.body };
  }
  const asSelf = ({ pod }: NodeTenant, asked: Asked) => send(pod.ip, pod.token, asked);

  beforeAll(async () => {
    tenants = await startTenants(isolation);
    for (const each of tenants.all) {
      const value = secretOf(each);
      const { mark, gone } = each;
      const item = [{ key: "k", value }];
      const file = { operation: "create", data: value, metadata: { fileName: "f" } };
      const answers = [
        await asSelf(each, ["POST", `/v1.0/state/${mark}-state`, item]),
        await asSelf(each, ["POST", "/v1.0/state/common", item]),
        await asSelf(each, ["POST", `/v1.0/bindings/${mark}-files`, file]),
        await send(gone.ip, gone.token, ["GET", "/v1.0/metadata"]),
      ];
      const bad = answers.find(({ status }) => status > 299);
      if (bad) throw new Error(bad.text);
      gone.remove();
    }
    for (const { gone, pod } of tenants.all)
      await eventually(
        async () => (await send(pod.ip, gone.token, ["GET", "/v1.0/metadata"])).status !== 403,
        { what: "the end of a pod" },
      );
  }, 60_000);
  afterAll(() => tenants?.[Symbol.asyncDispose]());

  /** What somebody may show who is not that app, and where he may be. */
  async function attempts(
    victim: NodeTenant,
  ): Promise<ReadonlyArray<readonly [string, string, string?]>> {
    const own = victim.pod.ip;
    const others = tenants.all.filter((each) => each !== victim);
    const same = others.find(({ namespace }) => namespace === victim.namespace);
    const foreign = others.find(({ namespace }) => namespace !== victim.namespace) as NodeTenant;
    const { accountToken: account } = tenants;
    const past = Math.floor(Date.now() / 1000) - 600;
    const [head, payload] = (await account(victim.pod)).split(".") as [string, string];
    return [
      ["no token", own],
      ["an empty token", own, ""],
      ["a wrong token", own, "wrong-token-0123456789"],
      ["the token of another namespace's app", own, foreign.pod.token],
      ["its token, from another namespace's pod", foreign.pod.ip, victim.pod.token],
      ["the token of a pod that is gone", own, victim.gone.token],
      ["an expired account token", own, await account(victim.pod, { exp: past, iat: past - 60 })],
      ["an account token for somebody else", own, await account(victim.pod, { aud: ["vault"] })],
      ["the account token of a pod that is gone", own, await account(victim.gone)],
      ["its account token, from another's pod", foreign.pod.ip, await account(victim.pod)],
      ["another's account token", own, await account(foreign.pod)],
      ["an account token without signature", own, `${head}.${payload}.`],
      ...(same
        ? ([
            ["the token of a neighbour", own, same.pod.token],
            ["its token, from a neighbour's pod", same.pod.ip, victim.pod.token],
          ] as const)
        : []),
    ];
  }
  /** 429: too many guesses; 403: the token is another's than the address; else it is nobody's. */
  const refusals = new Set([401, 403, 429]);

  it("answer nobody over HTTP who is not the app", async () => {
    for (const victim of tenants.all)
      for (const [what, from, token] of await attempts(victim))
        for (const [block, asked] of Object.entries({
          ...blocks(victim.mark, tenants.redis),
          ...common,
        })) {
          const { status, text } = await send(from, token, asked);
          const cell = `${victim.namespace}/${victim.appId}, ${block}, ${what}: ${status}`;
          expect([cell, refusals.has(status)]).toEqual([cell, true]);
          expect([cell, text.includes("secret-of-")]).toEqual([cell, false]);
          cells++;
        }
  }, 60_000);
  it("nor over gRPC", async () => {
    for (const victim of tenants.all)
      for (const [what, from, token] of await attempts(victim)) {
        const session = http2From(from, tenants.node.port("grpc"));
        for (const [rpc, request] of rpcs(victim.mark)) {
          const call = rpcStream(
            session,
            pathOfRpc(rpc),
            token === undefined ? {} : { "dapr-api-token": token },
          );
          call.send(requestOf(rpc, request));
          call.end();
          const code = await call.status;
          const cell = `${victim.appId}, ${rpc}, ${what}: ${code}`;
          expect([cell, [16, 7, 8].includes(code), call.messages]).toEqual([cell, true, []]);
          cells++;
        }
        session.destroy();
      }
  }, 60_000);
  it("nor anybody whose address is not a pod's, with a token of whatever app", async () => {
    const asked: Asked = ["GET", "/v1.0/metadata"];
    await Promise.all(
      tenants.all.flatMap(({ pod, gone }) =>
        [
          ["127.0.0.99", pod.token],
          [hostIp, pod.token],
          [gone.ip, gone.token],
          [gone.ip, pod.token],
        ].map(async ([from, token]) => {
          const { status } = await send(from as string, token, asked);
          expect([from, refusals.has(status)]).toEqual([from, true]);
          cells++;
        }),
      ),
    );
  });
  it("answer the app by its token and by its account token", async () => {
    for (const each of tenants.all)
      for (const token of [each.pod.token, await tenants.accountToken(each.pod)]) {
        const got = await send(each.pod.ip, token, ["GET", `/v1.0/state/${each.mark}-state/k`]);
        expect(got).toEqual({ status: 200, text: JSON.stringify(secretOf(each)) });
        cells++;
      }
  });
  it("have of another's components what they have of components that nobody has", async () => {
    for (const attacker of tenants.all)
      for (const victim of tenants.all) {
        if (victim === attacker) continue;
        const theirs = blocks(victim.mark, tenants.redis);
        const nobodys = blocks("nobody", tenants.redis);
        for (const block of Object.keys(theirs)) {
          const got = await asSelf(attacker, theirs[block] as Asked);
          const absent = await asSelf(attacker, nobodys[block] as Asked);
          const cell = `${attacker.mark} at ${victim.mark}: ${block}`;
          expect([cell, got.status, got.text.replaceAll(victim.mark, "nobody")]).toEqual([
            cell,
            absent.status,
            absent.text,
          ]);
          expect([cell, got.status > 399]).toEqual([cell, true]);
          cells++;
        }
      }
  }, 60_000);
  it("read Secrets of their own namespace and of no other", async () => {
    for (const each of tenants.all)
      for (const other of tenants.all) {
        const path = `/v1.0/secrets/kubernetes/${other.mark}-secret`;
        const inside = await asSelf(each, ["GET", path]);
        const isOwn = each.namespace === other.namespace;
        expect([each.mark, other.mark, inside.text.includes(secretOf(other))]).toEqual([
          each.mark,
          other.mark,
          isOwn,
        ]);
        if (isOwn) continue;
        for (const query of [
          `?metadata.namespace=${other.namespace}`,
          `/../../../namespaces/${other.namespace}/secrets/${other.mark}-secret`,
        ]) {
          const { status, text } = await asSelf(each, ["GET", path + query]);
          expect([query, status > 399, text.includes("secret-of-")]).toEqual([query, true, false]);
          cells++;
        }
      }
  });
  it("have found everything as it was, in at least 400 cells", async () => {
    for (const each of tenants.all) {
      for (const store of [`${each.mark}-state`, "common"])
        expect(await asSelf(each, ["GET", `/v1.0/state/${store}/k`])).toEqual({
          status: 200,
          text: JSON.stringify(secretOf(each)),
        });
      expect(each.calls.filter((call) => call.includes("steal"))).toEqual([]);
      expect((await asSelf(each, ["GET", "/v1.0/metadata"])).text).not.toContain("stolen");
    }
    expect(tenants.node.groups().map(({ restarts }) => restarts)).not.toContain(1);
    process.stdout.write(`tenants of a node, ${isolation}: ${cells} cells, 0 leaks\n`);
    expect(cells).toBeGreaterThanOrEqual(400);
  });
});
