/** One thing that is measured: the request that is sent again and again. */
export interface Row {
  readonly name: string;
  readonly method: "GET" | "POST";
  /** `{n}` in it counts from 0 to `spread`, request by request, and begins again. */
  readonly path: string;
  readonly spread?: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The status of every answer. A key that is missing would be a 204, and fast. */
  readonly status: 200 | 204;
  /** Left out where no Redis listens. */
  readonly redis?: true;
  /** The least that such a row can cost: a server's, or a proxy's. */
  readonly floor: "http" | "proxy";
  /** Messages in one request, where it carries several. */
  readonly messages?: number;
}

/** The path of the nth request. */
export function pathOf({ path, spread = 1 }: Row, n: number): string {
  return path.replaceAll("{n}", String(n % spread));
}

/** A unary gRPC call. */
export interface GrpcRow {
  readonly name: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The serialised message. */
  readonly request: Uint8Array;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The app behind the runtime speaks gRPC. */
  readonly grpcApp?: true;
}

/** Of this run only, so that nothing older is read and nothing stays behind in a store that others use. */
const run = `bench-${process.pid}-${Date.now()}`;
export const stateKey = run;
export const topic = run;

const save = JSON.stringify([{ key: stateKey, value: { orderId: 1, total: 12.5 } }]);
const event = JSON.stringify({ orderId: 1, total: 12.5 });
const stores = ["memory", "sqlite", "redis"] as const;
const onRedis = (name: string): { readonly redis?: true } =>
  name === "redis" ? { redis: true } : {};

export const rows: readonly Row[] = [
  {
    name: "invoke.http",
    method: "GET",
    path: "/v1.0/invoke/bench/method/hello",
    status: 200,
    floor: "proxy",
  },
  ...stores.map((store): Row => ({
    name: `state.get.${store}`,
    method: "GET",
    path: `/v1.0/state/${store}/${stateKey}`,
    status: 200,
    floor: "http",
    ...onRedis(store),
  })),
  ...stores.map((store): Row => ({
    name: `state.save.${store}`,
    method: "POST",
    path: `/v1.0/state/${store}`,
    body: save,
    status: 204,
    floor: "http",
    ...onRedis(store),
  })),
  {
    name: "publish.memory",
    method: "POST",
    path: `/v1.0/publish/pubsub-memory/${topic}`,
    body: event,
    status: 204,
    floor: "http",
  },
  {
    name: "publish.redis",
    method: "POST",
    path: `/v1.0/publish/pubsub-redis/${topic}`,
    body: event,
    status: 204,
    floor: "http",
    redis: true,
  },
  {
    name: "publish.bulk.memory",
    method: "POST",
    path: `/v1.0/publish/bulk/pubsub-memory/${topic}`,
    body: JSON.stringify(
      Array.from({ length: 100 }, (_, i) => ({
        entryId: String(i),
        event: { orderId: i, total: 12.5 },
        contentType: "application/json",
      })),
    ),
    status: 204,
    floor: "http",
    messages: 100,
  },
];

/** `GetStateRequest{store_name, key}`, field by field: the bench has no protobuf library of its own. */
const getState = Buffer.concat([text(1, "memory"), text(2, stateKey)]);
export const grpcRows: readonly GrpcRow[] = [
  {
    name: "grpc.state.get.memory",
    path: "/dapr.proto.runtime.v1.Dapr/GetState",
    request: getState,
  },
  {
    name: "grpc.invoke",
    path: "/outrigger.bench.Echo/Say",
    request: getState,
    metadata: { "dapr-app-id": "bench" },
    grpcApp: true,
  },
];
function text(field: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes]);
}

/** Sends a row's request once: `wrk` takes every status below 400 for a success and shows no body. */
export async function probe(base: string, row: Row): Promise<void> {
  const answer = await fetch(base + pathOf(row, 0), {
    method: row.method,
    redirect: "manual",
    headers: {
      ...row.headers,
      ...(row.body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(row.body === undefined ? {} : { body: row.body }),
  });
  const text = await answer.text();
  if (answer.status !== row.status)
    throw new Error(`${row.name} at ${base} answered ${answer.status}, not ${row.status}: ${text}`);
}

/** Puts there what the reads read. */
export async function seed(base: string, withRedis: boolean): Promise<void> {
  for (const row of rows)
    if (row.name.startsWith("state.save.") && (withRedis || !row.redis)) await probe(base, row);
}
export async function clean(base: string, withRedis: boolean): Promise<void> {
  for (const store of stores)
    if (store !== "redis" || withRedis)
      await fetch(`${base}/v1.0/state/${store}/${stateKey}`, { method: "DELETE" });
}
