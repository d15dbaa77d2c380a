import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeAppOptions, NodeRuntime } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { type Issuer, issuer } from "#test/doubles/issuer.ts";
import { type AppServer, appServer } from "#test/support/app-server.ts";
import { findService } from "#test/support/services.ts";

/** Names and namespaces that are each other's beginnings: what compares prefixes mixes them up. */
export const tenants = [
  { appId: "shop", namespace: "default" },
  { appId: "shop-a", namespace: "team" },
  { appId: "shop-ab", namespace: "team" },
  { appId: "shop", namespace: "team-a" },
  { appId: "shop-a", namespace: "team-a" },
] as const;

export interface Tenant {
  readonly appId: string;
  readonly namespace: string;
  /** As its components are named. */
  readonly mark: string;
  readonly token: string;
  readonly jwt: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** What was sent to its own app. */
  readonly app: AppServer;
}
export interface Tenants extends AsyncDisposable {
  readonly all: readonly Tenant[];
  readonly issuer: Issuer;
  readonly foreign: Issuer;
  readonly expired: (of: Tenant) => Promise<string>;
  readonly ofForeign: (of: Tenant) => Promise<string>;
  readonly redis: boolean;
}
const audience = "outrigger";

/** One process with all of them; each has components of its own over stores that all share. */
export async function startTenants(): Promise<Tenants> {
  const [own, foreign] = await Promise.all([issuer(), issuer()]);
  const [kid, foreignKid] = await Promise.all([own.addKey("ES256"), foreign.addKey("ES256")]);
  const redis = await findService("redis");
  const folder = mkdtempSync(join(tmpdir(), "outrigger-tenants-"));
  const apps = await Promise.all(
    tenants.map(async (tenant, i) => ({
      ...tenant,
      mark: `t${i}`,
      token: `token-of-${i}-0123456789`,
      server: await appServer(),
    })),
  );
  const texts = apps.flatMap(({ appId, namespace, mark }) =>
    documentsOf({ appId, namespace, mark }, folder, redis?.address),
  );
  const options = apps.map(({ appId, namespace, token, server }): NodeAppOptions => ({
    appId,
    namespace,
    appPort: server.port,
    appProtocol: "http",
    appChannelAddress: "127.0.0.1",
    appMaxConcurrency: -1,
    httpPort: 0,
    grpcPort: 0,
    listenAddresses: ["127.0.0.1"],
    publicListenAddresses: [],
    metricsListenAddresses: [],
    resourcesPaths: [],
    configPaths: [],
    inlineResources: texts,
    maxBodyBytes: 1 << 20,
    readBufferBytes: 4096,
    gracefulShutdownMs: 5000,
    blockShutdownMs: 0,
    bindingProbeMs: 1000,
    disableInitEndpoints: ["subscribe"],
    apiTokens: [token],
    extended: {},
  }));
  const silent = (): void => {};
  const ports: Array<{ readonly httpPort: number; readonly grpcPort: number }> = [];
  const runtimes: NodeRuntime[] = [];
  // A runtime names its ports by app id, and two of these share one: so two runtimes share the process.
  for (const group of [options.slice(0, 3), options.slice(3)]) {
    const runtime = await startNode({
      apps: group,
      log: { debug: silent, info: silent, warn: silent, error: silent },
      env: {
        OUTRIGGER_JWT_ISSUER: own.url,
        OUTRIGGER_JWT_AUDIENCE: audience,
        OUTRIGGER_JWT_JWKS_URL: `${own.url}/jwks`,
      },
      failOnComponentError: true,
      shutdown: silent,
    });
    await runtime.ready;
    runtimes.push(runtime);
    for (const { appId } of group) ports.push(runtime.apps.get(appId) as (typeof ports)[number]);
  }
  const now = Math.floor(Date.now() / 1000);
  const claims = (of: { readonly appId: string; readonly namespace: string }): object => ({
    aud: audience,
    iat: now - 10,
    exp: now + 600,
    app_id: of.appId,
    namespace: of.namespace || "default",
  });
  const all = await Promise.all(
    apps.map(async ({ server, ...app }, i) => ({
      ...app,
      app: server,
      jwt: await own.sign({ iss: own.url, ...claims(app) }, kid),
      ...(ports[i] as (typeof ports)[number]),
    })),
  );
  return {
    all,
    issuer: own,
    foreign,
    redis: redis !== undefined,
    expired: (of) =>
      own.sign({ iss: own.url, ...claims(of), iat: now - 7200, exp: now - 3600 }, kid),
    ofForeign: (of) => foreign.sign({ iss: own.url, ...claims(of) }, foreignKid),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(runtimes.map((runtime) => runtime.stop()));
      await Promise.all(apps.map(({ server }) => server[Symbol.asyncDispose]()));
      await own[Symbol.asyncDispose]();
      await foreign[Symbol.asyncDispose]();
    },
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
): Array<{ readonly name: string; readonly text: string }> {
  const own = join(folder, mark);
  mkdirSync(join(own, "keys"), { recursive: true });
  mkdirSync(join(own, "files"));
  writeFileSync(join(own, "secrets.json"), JSON.stringify({ secret: `secret-of-${mark}` }));
  writeFileSync(
    join(own, "keys/rsa.pem"),
    generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    }),
  );
  const component = (
    kind: string,
    type: string,
    metadata: Readonly<Record<string, string>> = {},
  ) => ({
    name: `${mark}-${kind}.json`,
    text: JSON.stringify({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name: `${mark}-${kind}`, ...(namespace === "" ? {} : { namespace }) },
      spec: {
        type,
        version: "v1",
        metadata: Object.entries(metadata).map(([name, value]) => ({ name, value })),
      },
      scopes: [appId],
    }),
  });
  return [
    // One file for all: only the keys keep them apart.
    component("state", "state.sqlite", {
      connectionString: join(folder, "shared.db"),
      keyPrefix: "namespace",
    }),
    component("pubsub", "pubsub.in-memory"),
    component("files", "bindings.localstorage", { rootPath: join(own, "files") }),
    component("secrets", "secretstores.local.file", { secretsFile: join(own, "secrets.json") }),
    component("crypto", "crypto.dapr.localstorage", { path: join(own, "keys") }),
    component("echo", "conversation.echo"),
    ...(redisHost === undefined
      ? []
      : [
          component("lock", "lock.redis", { redisHost, keyPrefix: "namespace" }),
          component("config", "configuration.redis", { redisHost }),
        ]),
  ];
}
