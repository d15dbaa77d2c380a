import type { CallOptions } from "#core/ports/component.ts";
import type { Kind, Kinds } from "#core/ports/manifest.ts";
import type { PubSub } from "#core/ports/pub-sub.ts";
import type { FencedWrites, StateStore } from "#core/ports/state-store.ts";
import { httpStatusOf } from "#core/errors/status-codes.ts";
import { statusOf } from "./failure.ts";
import type { Guard } from "./guard.ts";

/** What of each port is a request with an answer; everything else of it (subscriptions, closing) is passed on. */
const requests: { readonly [K in Kind]?: ReadonlyArray<keyof Kinds[K]> } = {
  state: ["read", "write", "writeMany", "transact", "deleteWithPrefix", "keysLike", "query"],
  "bindings.output": ["invoke"],
  secretstores: ["get", "list"],
  configuration: ["get"],
  lock: ["acquire", "release"],
  crypto: ["publicKey", "encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"],
  conversation: ["converse"],
};
const others: readonly PropertyKey[] = [
  "subscribe",
  "pause",
  "watch",
  "listen",
  "ping",
  Symbol.asyncDispose,
];

type Method = (...args: readonly unknown[]) => unknown;
type AsyncMethod = (...args: readonly unknown[]) => Promise<unknown>;

/** True for kinds whose ports a policy can stand before. */
export function isGuardable(kind: Kind): boolean {
  return kind === "pubsub" || requests[kind] !== undefined;
}

/** The same port, each request to it under the policy. */
export function guardPort<K extends Kind>(kind: K, port: Kinds[K], guard: Guard): Kinds[K] {
  const from = port as unknown as Readonly<Record<PropertyKey, Method | undefined>>;
  // What is not a method stays the port's own.
  const guarded: Record<PropertyKey, Method> = Object.create(port) as never;
  for (const name of others) {
    const method = from[name];
    if (method) guarded[name] = (...args) => method.apply(port, args as unknown[]);
  }
  for (const name of (requests[kind] ?? []) as readonly string[]) {
    const method = from[name] as AsyncMethod | undefined;
    if (!method) continue;
    // Every port method is given its options last.
    guarded[name] = (...args) =>
      guard(
        (options) => method.apply(port, [...args.slice(0, -1), options]),
        args.at(-1) as CallOptions,
      );
  }
  const { fenced } = port as Partial<StateStore>;
  if (kind === "state" && fenced)
    Object.defineProperty(guarded, "fenced", { value: fencedUnder(fenced, guard) });
  if (kind === "pubsub") guarded["publish"] = publishUnder(port as PubSub, guard) as Method;
  return guarded as unknown as Kinds[K];
}

function fencedUnder({ raise, transact }: FencedWrites, guard: Guard): FencedWrites {
  return {
    raise: (fence, options) => guard((limited) => raise(fence, limited), options),
    transact: (ops, fence, options) => guard((limited) => transact(ops, fence, limited), options),
  };
}

/** A broker's failure by the status that policies of an HTTP publish compare. */
class PublishFailure extends Error {
  readonly status: number;
  constructor(cause: unknown, status: number) {
    super("the broker failed", { cause });
    this.status = status;
  }
}

/** Dapr: a broker in another process fails with gRPC statuses, which `httpStatusCodes` counts by what they are in HTTP. */
function codedFor({ wire }: CallOptions, reason: unknown): unknown {
  const status = wire === "http" ? statusOf(reason) : undefined;
  return status === undefined || status > mostGrpc
    ? reason
    : new PublishFailure(reason, httpStatusOf(status));
}
const mostGrpc = 16;

/** What the broker has taken is not sent again: only the rest is. */
function publishUnder(port: PubSub, guard: Guard): PubSub["publish"] {
  return async (topic, messages, options) => {
    const results: Array<Error | undefined> = messages.map(() => undefined);
    let open = messages.map((_, i) => i);
    try {
      await guard(async (limited) => {
        const sent = open.map((i) => messages[i] as (typeof messages)[number]);
        const answers = await port.publish(topic, sent, limited).catch((reason: unknown) => {
          throw codedFor(options, reason);
        });
        open.forEach((i, at) => (results[i] = answers[at]));
        open = open.filter((i) => results[i] !== undefined);
        if (open.length > 0) throw codedFor(options, results[open[0] as number]);
      }, options);
    } catch (caught) {
      const reason = caught instanceof PublishFailure ? caught.cause : caught;
      const failure = reason instanceof Error ? reason : new Error(String(reason));
      for (const i of open) results[i] = results[i] ?? failure;
      if (open.length === messages.length) for (const i of open) results[i] = failure;
    }
    return results;
  };
}
