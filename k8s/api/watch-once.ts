import type { Clock } from "#core/ports/platform.ts";
import type { KubeClient, WatchEvent } from "./client.ts";
import { limitIdle } from "./idle.ts";
import type { KubeObject } from "./objects.ts";

/** No byte for so long: the connection is dead. A server that can sends a bookmark each minute. */
const idleMs = 90_000;

/** How a watch ended that did not fail. */
export interface WatchEnd {
  /** How many it had. */
  readonly events: number;
  /** It was we who ended it, since nothing came for too long. */
  readonly isIdle: boolean;
}
export interface WatchOnceOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The server has taken the watch. */
  opened(): void;
  take(event: WatchEvent<KubeObject>): void;
}

/** One connection. Resolves when the server, or nothing for too long, has ended it. */
export async function watchOnce(
  client: KubeClient,
  path: string,
  { clock, signal, opened, take }: WatchOnceOptions,
): Promise<WatchEnd> {
  let events = 0;
  using idle = limitIdle(clock, idleMs, signal);
  try {
    for await (const event of client.watch<KubeObject>(path, { signal: idle.signal, opened })) {
      idle.touch();
      take(event);
      events++;
    }
    return { events, isIdle: false };
  } catch (reason) {
    if (!idle.isOver) throw reason;
    return { events, isIdle: true };
  }
}
