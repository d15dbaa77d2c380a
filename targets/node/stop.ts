import type { Log } from "#core/ports/platform.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { clock } from "./clock.ts";
import { block, drain, type Drainable } from "./listen/drain.ts";
import type { HttpServer } from "./listen/http-server.ts";
import type { AppServer, ProcessServices } from "./app-server.ts";

/** Dapr's order: what calls the app ends first, then the API, then the components. */
export async function stop(
  shared: ProcessServices,
  served: readonly AppServer[],
  ending: AbortController,
  log: Log,
): Promise<void> {
  ending.abort(new Error("The runtime is stopping"));
  for (const { reloads } of served) reloads.stop();
  for (const identity of shared.identities.values()) identity[Symbol.dispose]();
  const apps = served.map(drainable);
  await Promise.all(apps.map((app) => block(app, { clock, log })));
  const graceMs = longestGrace(served);
  log.debug("The apps are no longer called; waiting for calls in flight", { graceMs });
  const began = clock.now();
  const all = Promise.all(apps.map((app) => drain(app, { clock }, graceMs / 2)));
  const drained = await endsWithin(clock, graceMs, all);
  const leftMs = (): number =>
    graceMs <= 0 ? 0 : Math.max(closingMs, began + graceMs - clock.now());
  // A receiver that does not answer must leave time for the rest.
  const flushMs = leftMs() === 0 ? longestFlushMs : Math.max(closingMs / 4, leftMs() - closingMs);
  const flushed = Promise.all(served.map(({ hosted }) => hosted.app.policies.tracer?.flush()));
  await endsWithin(clock, Math.min(longestFlushMs, flushMs), flushed);
  log.debug("Closing components and ports", { drained, afterMs: clock.now() - began });
  const closed = await endsWithin(clock, leftMs(), closeAll(shared, served));
  if (!drained || !closed)
    throw new Error(
      `Graceful shutdown timeout exceeded, forcing shutdown: what was still in flight after ${graceMs / 1000} s has been cut off`,
    );
}
/** Closing gets this even where requests took all of the graceful time. */
const closingMs = 1000;
const longestFlushMs = 10_000;

function drainable(app: AppServer): Drainable {
  const { options, hosted, server, publicServer, grpcServer, internal } = app;
  const drainHttp = (of: HttpServer) => (): Promise<void> => {
    of.drain();
    return of.idle();
  };
  const http = [server, publicServer].flatMap((of) => (of ? [drainHttp(of)] : []));
  return {
    appId: options.appId,
    blockShutdownMs: options.blockShutdownMs,
    hosted,
    servers: [...http, () => grpcServer.drain(), () => internal.drain()],
  };
}
/** 0 where some app has no limit. */
function longestGrace(served: readonly AppServer[]): number {
  const times = served.map(({ options }) => options.gracefulShutdownMs);
  return times.some((ms) => ms <= 0) ? 0 : Math.max(0, ...times);
}

export async function closeAll(
  { runtime, peers, metrics, profiles }: ProcessServices,
  served: readonly AppServer[],
): Promise<void> {
  const servers = served.flatMap(({ server, publicServer }) => [server, publicServer]);
  await Promise.allSettled(servers.map((server) => server?.[Symbol.asyncDispose]()));
  await Promise.allSettled(
    served.flatMap(({ grpcServer, internal }) => [
      grpcServer[Symbol.asyncDispose](),
      internal[Symbol.asyncDispose](),
    ]),
  );
  await runtime[Symbol.asyncDispose]();
  await peers[Symbol.asyncDispose]();
  await metrics[Symbol.asyncDispose]();
  await profiles[Symbol.asyncDispose]();
  await Promise.allSettled(
    served.flatMap(({ channel, pool }) => [
      channel?.[Symbol.asyncDispose]?.(),
      pool?.[Symbol.asyncDispose](),
    ]),
  );
}
