import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Rpc } from "#core/wire/grpc/rpcs.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { startTenants, type Tenant, type Tenants } from "./tenants.ts";

let tenants: Tenants;
let cells = 0;
beforeAll(async () => {
  tenants = await startTenants();
  for (const each of tenants.all) {
    const saved = await send(each, "POST", `/v1.0/state/${each.mark}-state`, each.token, [
      { key: "k", value: secretOf(each) },
    ]);
    if (saved.status !== 204) throw new Error(saved.text);
    const filed = await send(each, "POST", `/v1.0/bindings/${each.mark}-files`, each.token, {
      operation: "create",
      data: secretOf(each),
      metadata: { fileName: "f" },
    });
    if (filed.status !== 200) throw new Error(filed.text);
  }
}, 60_000);
afterAll(async () => {
  await tenants[Symbol.asyncDispose]();
});

const secretOf = ({ mark }: Pick<Tenant, "mark">): string => `secret-of-${mark}`;
interface Answer {
  readonly status: number;
  readonly text: string;
}
async function send(
  to: Tenant,
  method: string,
  path: string,
  token: string | undefined,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${to.httpPort}${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...headers,
      ...(token === undefined ? {} : { "dapr-api-token": token }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** One request of each block, to components of that mark. */
type Asked = readonly [method: string, path: string, body?: unknown];
const blocks = (mark: string, redis: boolean): Readonly<Record<string, Asked>> => ({
  "state get": ["GET", `/v1.0/state/${mark}-state/k`],
  "state save": ["POST", `/v1.0/state/${mark}-state`, [{ key: "k", value: "stolen" }]],
  "state delete": ["DELETE", `/v1.0/state/${mark}-state/k`],
  "state bulk": ["POST", `/v1.0/state/${mark}-state/bulk`, { keys: ["k"] }],
  "state transaction": [
    "POST",
    `/v1.0/state/${mark}-state/transaction`,
    { operations: [{ operation: "delete", request: { key: "k" } }] },
  ],
  publish: ["POST", `/v1.0/publish/${mark}-pubsub/topic`, { stolen: true }],
  "bulk publish": [
    "POST",
    `/v1.0/publish/bulk/${mark}-pubsub/topic`,
    [{ entryId: "1", event: "x", contentType: "text/plain" }],
  ],
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
        unlock: ["POST", `/v1.0-alpha1/unlock/${mark}-lock`, { resourceId: "r", lockOwner: "o" }],
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
  ["SaveState", { storeName: `${mark}-state`, states: [{ key: "k", value: new Uint8Array([1]) }] }],
  ["DeleteState", { storeName: `${mark}-state`, key: "k" }],
  ["PublishEvent", { pubsubName: `${mark}-pubsub`, topic: "topic", data: new Uint8Array([1]) }],
  ["InvokeBinding", { name: `${mark}-files`, operation: "get", metadata: { fileName: "f" } }],
  ["GetSecret", { storeName: `${mark}-secrets`, key: "secret" }],
  ["GetBulkSecret", { storeName: `${mark}-secrets` }],
  ["GetMetadata", {}],
  ["InvokeService", { id: "shop", message: { method: "steal", httpExtension: { verb: 3 } } }],
];

/** What somebody may hold who is not that app. */
async function badTokens(of: Tenant): Promise<Readonly<Record<string, string | undefined>>> {
  const other = tenants.all.find((each) => each.mark !== of.mark) as Tenant;
  const prefix = tenants.all.find((each) => each !== of && each.appId === of.appId) ?? other;
  return {
    none: undefined,
    empty: "",
    wrong: "wrong-token-0123456789",
    "another's token": other.token,
    "another's JWT": other.jwt,
    "the JWT of the same name in another namespace or of another name": prefix.jwt,
    "an expired JWT": await tenants.expired(of),
    "a JWT of a foreign issuer": await tenants.ofForeign(of),
    "a JWT whose claims were changed": tampered(of.jwt),
    "an unsigned JWT": unsigned(of.jwt),
  };
}
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
function tampered(jwt: string): string {
  const [head, payload, signature] = jwt.split(".");
  const claims = JSON.parse(Buffer.from(payload as string, "base64url").toString()) as object;
  return `${head}.${encode({ ...claims, admin: true })}.${signature}`;
}
function unsigned(jwt: string): string {
  return `${encode({ alg: "none" })}.${jwt.split(".")[1]}.`;
}

describe("without a token of the app", () => {
  it("nothing of its API answers over HTTP, whatever else is shown", async () => {
    for (const victim of tenants.all)
      for (const [what, token] of Object.entries(await badTokens(victim)))
        for (const [block, [method, path, body]] of Object.entries({
          ...blocks(victim.mark, tenants.redis),
          ...common,
        })) {
          const { status, text } = await send(victim, method, path, token, body);
          const cell = `${victim.namespace}/${victim.appId}, ${block}, ${what}`;
          // Guessing too often is answered in its own way.
          expect([cell, status === 401 || status === 429]).toEqual([cell, true]);
          expect([cell, text.includes("secret-of-")]).toEqual([cell, false]);
          cells++;
        }
  }, 120_000);
  it("nor over gRPC", async () => {
    for (const victim of tenants.all) {
      using client = wireClient(victim.grpcPort);
      for (const [what, token] of Object.entries(await badTokens(victim)))
        for (const [rpc, request] of rpcs(victim.mark)) {
          const metadata: Record<string, string> =
            token === undefined ? {} : { "dapr-api-token": token };
          const ended = await client.unary(rpc, request, { metadata });
          const cell = `${victim.appId}, ${rpc}, ${what}`;
          expect([cell, ended.code === 16 || ended.code === 8]).toEqual([cell, true]);
          cells++;
        }
    }
  }, 120_000);
  it("but with its own token or JWT all of it does", async () => {
    for (const each of tenants.all)
      for (const token of [each.token, each.jwt]) {
        const { status, text } = await send(each, "GET", `/v1.0/state/${each.mark}-state/k`, token);
        expect([status, text]).toEqual([200, JSON.stringify(secretOf(each))]);
        cells++;
      }
  });
});

describe("with its own token", () => {
  it("an app finds of another's components what it finds of components that nobody has", async () => {
    for (const attacker of tenants.all)
      for (const victim of tenants.all) {
        if (victim === attacker) continue;
        const theirs = blocks(victim.mark, tenants.redis);
        const nobodys = blocks("nobody", tenants.redis);
        for (const block of Object.keys(theirs)) {
          const [method, path, body] = theirs[block] as Asked;
          const claim = {
            "dapr-caller-app-id": victim.appId,
            "dapr-caller-namespace": victim.namespace,
            "dapr-callee-app-id": victim.appId,
            "destination-app-id": victim.appId,
            "x-forwarded-for": "127.0.0.1",
          };
          const got = await send(attacker, method, path, attacker.token, body, claim);
          const [, absentPath, absentBody] = nobodys[block] as Asked;
          const absent = await send(attacker, method, absentPath, attacker.token, absentBody);
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
  }, 120_000);
  it("nor does metadata of a request, or a key that spells another's prefix, lead there", async () => {
    for (const attacker of tenants.all)
      for (const victim of tenants.all) {
        if (victim === attacker) continue;
        const store = `/v1.0/state/${attacker.mark}-state`;
        const prefixes = [
          `${victim.namespace}.${victim.appId}||k`,
          `../${victim.appId}||k`,
          `${victim.appId}||k`,
        ];
        for (const key of prefixes) {
          const got = await send(
            attacker,
            "GET",
            `${store}/${encodeURIComponent(key)}`,
            attacker.token,
          );
          expect(got.text).not.toContain(secretOf(victim));
          cells++;
        }
        const claimed = await send(
          attacker,
          "GET",
          `${store}/k?metadata.appId=${victim.appId}&metadata.namespace=${victim.namespace}&metadata.partitionKey=${victim.appId}`,
          attacker.token,
        );
        expect(claimed.text).toBe(JSON.stringify(secretOf(attacker)));
        cells++;
      }
  }, 60_000);
  it("an app that calls another is named by who it is, not by what it says", async () => {
    for (const attacker of tenants.all.slice(0, 3))
      for (const victim of tenants.all.slice(0, 3)) {
        if (victim === attacker) continue;
        const path = `/from-${attacker.mark}`;
        const id = `${victim.appId}.${victim.namespace || "default"}`;
        await send(attacker, "POST", `/v1.0/invoke/${id}/method${path}`, attacker.token, "x", {
          "dapr-caller-app-id": victim.appId,
          "dapr-caller-namespace": victim.namespace || "default",
          "dapr-callee-app-id": attacker.appId,
        });
        const [seen] = await victim.app.saw(path);
        expect(seen?.headers).toMatchObject({
          "dapr-caller-app-id": attacker.appId,
          "dapr-caller-namespace": attacker.namespace || "default",
          "dapr-callee-app-id": victim.appId,
        });
        expect(seen?.headers).not.toHaveProperty("dapr-api-token");
        cells++;
      }
  });
});

describe("afterwards", () => {
  it("nothing of anybody has changed, in at least 400 cells", async () => {
    for (const each of tenants.all) {
      const kept = await send(each, "GET", `/v1.0/state/${each.mark}-state/k`, each.token);
      expect(kept.text).toBe(JSON.stringify(secretOf(each)));
      expect(await each.app.saw("/steal")).toEqual([]);
      const { text } = await send(each, "GET", "/v1.0/metadata", each.token);
      expect(text).not.toContain("stolen");
    }
    process.stdout.write(`tenant matrix: ${cells} cells, 0 leaks\n`);
    expect(cells).toBeGreaterThanOrEqual(400);
  });
});
