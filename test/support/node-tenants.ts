import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { KubeApiDouble } from "#test/doubles/kube-api.ts";
import { nodeName, podApp, putPod, type TestNode, testNode, type TestPod } from "./node-cluster.ts";
import { findService } from "./services.ts";

/** Names and namespaces that are each other's beginnings: what compares prefixes mixes them up. */
const tenants = [
  { appId: "shop", namespace: "default" },
  { appId: "shop-a", namespace: "team" },
  { appId: "shop-ab", namespace: "team" },
  { appId: "shop", namespace: "team-a" },
  { appId: "shop-a", namespace: "team-a" },
] as const;

export interface NodeTenant {
  readonly appId: string;
  readonly namespace: string;
  /** As its components are named. */
  readonly mark: string;
  readonly pod: TestPod;
  /** Of another app, whose token ended with it; it had an address of its own. */
  readonly gone: TestPod;
  /** What was sent to its own app. */
  readonly calls: readonly string[];
}
export interface NodeTenants extends AsyncDisposable {
  readonly node: TestNode;
  readonly all: readonly NodeTenant[];
  readonly redis: boolean;
  /** A service-account token of that pod, with other claims where they are given. */
  accountToken(of: TestPod, claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** One node with all of them; each has components of its own over stores that all share. */
export async function startTenants(isolation: "namespace" | "shared"): Promise<NodeTenants> {
  const node = await testNode({ isolation });
  const sign = await signer(node.api);
  const redis = await findService("redis");
  const folder = mkdtempSync(join(tmpdir(), "outrigger-node-tenants-"));
  const servers: AsyncDisposable[] = [];
  const all: NodeTenant[] = [];
  for (const [i, tenant] of tenants.entries()) {
    const mark = `t${i}`;
    const ip = `127.0.1.${i + 1}`;
    const server = await podApp(ip, 0);
    servers.push(server);
    for (const document of documentsOf({ ...tenant, mark }, folder, redis?.address))
      node.api.put(document as never);
    const annotations = { "dapr.io/app-port": String(server.port) };
    const pod = putPod(node.api, { ...tenant, name: mark, ip, annotations });
    const gone = putPod(node.api, {
      name: `gone-${mark}`,
      namespace: tenant.namespace,
      appId: `gone-${mark}`,
      ip: `127.0.2.${i + 1}`,
    });
    all.push({ ...tenant, mark, pod, gone, calls: server.calls });
  }
  await node.ready;
  return {
    node,
    all,
    redis: redis !== undefined,
    accountToken: sign,
    [Symbol.asyncDispose]: async () => {
      await node[Symbol.asyncDispose]();
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  };
}

/** Makes the double the issuer of service-account tokens, all of which it stands by. */
export async function signer(api: KubeApiDouble): Promise<NodeTenants["accountToken"]> {
  const issuer = "https://kubernetes.default.svc";
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256", use: "sig" }];
  for (const [path, answer] of Object.entries({
    "/openid/v1/jwks": { keys },
    "/.well-known/openid-configuration": { issuer },
  }))
    api.fail({ path, text: JSON.stringify(answer), times: Number.POSITIVE_INFINITY });
  api.onTokenReview = () => ({ authenticated: true });
  return ({ pod: { metadata } }, claims = {}) => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({
      iss: issuer,
      aud: ["outrigger"],
      iat: now - 10,
      exp: now + 3600,
      "kubernetes.io": {
        namespace: metadata.namespace,
        pod: { name: metadata.name, uid: metadata.uid },
        node: { name: nodeName },
      },
      ...claims,
    })
      .setProtectedHeader({ alg: "RS256", kid: "k1" })
      .sign(privateKey);
  };
}

function documentsOf(
  {
    appId,
    namespace,
    mark,
  }: { readonly appId: string; readonly namespace: string; readonly mark: string },
  folder: string,
  redisHost: string | undefined,
): readonly object[] {
  const own = join(folder, mark);
  mkdirSync(join(own, "keys"), { recursive: true });
  mkdirSync(join(own, "files"));
  writeFileSync(join(own, "secrets.json"), JSON.stringify({ secret: `secret-of-${mark}` }));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(join(own, "keys/rsa.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  const component = (
    name: string,
    type: string,
    metadata: Readonly<Record<string, string>> = {},
    scopes: readonly string[] = [appId],
  ): object => ({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { namespace, name },
    spec: {
      type,
      version: "v1",
      metadata: Object.entries(metadata).map(([key, value]) => ({ name: key, value })),
    },
    scopes,
  });
  return [
    // One file for all: only the keys keep them apart.
    component(`${mark}-state`, "state.sqlite", {
      connectionString: join(folder, "shared.db"),
      keyPrefix: "namespace",
    }),
    component(`${mark}-pubsub`, "pubsub.in-memory"),
    component(`${mark}-files`, "bindings.localstorage", { rootPath: join(own, "files") }),
    component(`${mark}-secrets`, "secretstores.local.file", {
      secretsFile: join(own, "secrets.json"),
    }),
    component(`${mark}-crypto`, "crypto.dapr.localstorage", { path: join(own, "keys") }),
    component(`${mark}-echo`, "conversation.echo"),
    // The same name in each namespace, for all of its apps.
    component("common", "state.in-memory", {}, []),
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name: `${mark}-secret` },
      data: { k: Buffer.from(`secret-of-${mark}`).toString("base64") },
    },
    ...(redisHost === undefined
      ? []
      : [
          component(`${mark}-lock`, "lock.redis", { redisHost, keyPrefix: "namespace" }),
          component(`${mark}-config`, "configuration.redis", { redisHost }),
        ]),
  ];
}
