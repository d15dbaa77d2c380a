/** One thing that is measured: the request that is sent again and again. */
export interface Row {
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  /** Left out where no Redis listens. */
  readonly redis?: true;
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
  { name: "invoke.http", method: "GET", path: "/v1.0/invoke/bench/method/hello" },
  ...stores.map((store): Row => ({
    name: `state.get.${store}`,
    method: "GET",
    path: `/v1.0/state/${store}/${stateKey}`,
    ...onRedis(store),
  })),
  ...stores.map((store): Row => ({
    name: `state.save.${store}`,
    method: "POST",
    path: `/v1.0/state/${store}`,
    body: save,
    ...onRedis(store),
  })),
  {
    name: "publish.memory",
    method: "POST",
    path: `/v1.0/publish/pubsub-memory/${topic}`,
    body: event,
  },
  {
    name: "publish.redis",
    method: "POST",
    path: `/v1.0/publish/pubsub-redis/${topic}`,
    body: event,
    redis: true,
  },
];

/** Puts there what the reads read. */
export async function seed(base: string, withRedis: boolean): Promise<void> {
  for (const store of stores) {
    if (store === "redis" && !withRedis) continue;
    const answer = await fetch(`${base}/v1.0/state/${store}`, { method: "POST", body: save });
    if (answer.status !== 204)
      throw new Error(
        `Cannot save into ${store} at ${base}: ${answer.status} ${await answer.text()}`,
      );
  }
}
export async function clean(base: string, withRedis: boolean): Promise<void> {
  for (const store of stores)
    if (store !== "redis" || withRedis)
      await fetch(`${base}/v1.0/state/${store}/${stateKey}`, { method: "DELETE" });
}
