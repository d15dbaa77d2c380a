import type { ActorHost } from "#core/ports/actor-host.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { createRendezvous } from "#core/util/rendezvous.ts";
import { hostFailure } from "./host-failure.ts";
import { cancelHeader, errorHeader } from "./invoke.ts";
import { callMetadata, metadataHeaders } from "./stream-metadata.ts";
import type { HostAnswer, HostRequest, NewRequest } from "./stream-messages.ts";

/** An app that hosts its actors over one stream. */
export interface StreamHost {
  readonly host: ActorHost;
  /** What the app is to be sent, in order. To be iterated once. */
  readonly requests: AsyncIterable<HostRequest>;
  /** The app has sent an answer. One that nothing waits for any more is ignored. */
  answer(answer: HostAnswer): void;
}
type Resolve = (answer: HostAnswer) => void;

/** gRPC's NotFound. */
const notFound = 5;

/** Calls the app until the signal fires; then whatever still waits for an answer is rejected. */
export function createStreamHost(over: AbortSignal): StreamHost {
  const { give, withdraw, taken } = createRendezvous<HostRequest>(over);
  /** By the id of the request. */
  const waiting = new Map<string, Resolve>();
  let lastId = 0;

  /** Rejects with the caller's reason if the caller gives up. */
  function ask(request: NewRequest, { signal }: CallOptions): Promise<HostAnswer> {
    return new Promise((resolve, reject) => {
      if (over.aborted) return reject(disconnected());
      if (signal.aborted) return reject(signal.reason as Error);
      const message: HostRequest = { ...request, id: String(++lastId) };
      const end = (): void => {
        waiting.delete(message.id);
        signal.removeEventListener("abort", gaveUp);
        over.removeEventListener("abort", gone);
      };
      const gaveUp = (): void => {
        end();
        // An app that does not read must not let requests pile up here.
        withdraw(message);
        reject(signal.reason as Error);
      };
      const gone = (): void => {
        end();
        reject(disconnected());
      };
      signal.addEventListener("abort", gaveUp, { once: true });
      over.addEventListener("abort", gone, { once: true });
      waiting.set(message.id, (answer) => {
        end();
        resolve(answer);
      });
      void give(message);
    });
  }
  const cancelled = (cancels: boolean): PlainResponse => ({
    status: 200,
    headers: cancels ? [cancelHeader, "true"] : [],
  });
  return {
    requests: taken,
    answer: (answer) => waiting.get(answer.id)?.(answer),
    host: {
      invoke: async (actor, { method, headers, body }, options) => {
        const metadata = callMetadata(headers);
        const answer = await ask({ kind: "invoke", actor, method, metadata, body }, options);
        switch (answer.kind) {
          case "failed":
            return answer.code === notFound
              ? hostFailure(404, `actor method not found: ${method}`)
              : failed(answer.message);
          case "invoke": {
            const rest = metadataHeaders(answer.metadata);
            if (answer.isError) rest.push(errorHeader, "true");
            return { status: 200, headers: rest, body: answer.data };
          }
          default:
            throw unexpected("invoke");
        }
      },
      remind: async (actor, { name, data }, options) => {
        const answer = await ask({ kind: "reminder", actor, name, data }, options);
        if (answer.kind === "failed") return failed(answer.message);
        if (answer.kind !== "reminder") throw unexpected("reminder");
        return cancelled(answer.cancels);
      },
      tick: async (actor, timer, options) => {
        const answer = await ask({ kind: "timer", actor, timer }, options);
        if (answer.kind === "failed") return failed(answer.message);
        if (answer.kind !== "timer") throw unexpected("timer");
        return cancelled(answer.cancels);
      },
      deactivate: async (actor, options) => {
        // The actors of an app that has gone went with it.
        if (over.aborted) return cancelled(false);
        const answer = await ask({ kind: "deactivate", actor }, options);
        if (answer.kind === "failed") return failed(answer.message);
        if (answer.kind !== "deactivate") throw unexpected("deactivate");
        return cancelled(false);
      },
    },
  };
}

function failed(message: string): PlainResponse {
  return hostFailure(500, `error from actor service: ${message}`);
}
function disconnected(): Error {
  return new Error("actor host disconnected before responding");
}
function unexpected(kind: string): Error {
  return new Error(`actor host returned an unexpected response type for ${kind}`);
}
