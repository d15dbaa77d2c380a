import { ApiError } from "#core/errors/api-error.ts";
import type { TopicEvent } from "#core/ports/app-callback.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { AppChannel, PlainResponse } from "#core/ports/platform.ts";
import { createRendezvous } from "#core/util/rendezvous.ts";

/** What a subscriber says on its stream. */
export type StreamRequest =
  | { readonly kind: "initial"; readonly wanted: StreamSubscription }
  | { readonly kind: "processed"; readonly id: string; readonly status: StreamStatus }
  | { readonly kind: "nothing" };
export interface StreamSubscription {
  readonly pubsub: string;
  readonly topic: string;
  readonly metadata: Metadata;
  readonly deadLetterTopic?: string;
}
export type StreamStatus = "SUCCESS" | "RETRY" | "DROP";
/** What it is told: first that it is subscribed, then each event. */
export type StreamMessage =
  | { readonly kind: "started" }
  | {
      readonly kind: "event";
      readonly pubsub: string;
      readonly topic: string;
      readonly path: string;
      readonly event: TopicEvent;
    };

/** Dapr: plain errors, which gRPC calls Unknown. Official SDKs subscribe again after that status, and not after OK. */
export const refused = (text: string, cause?: unknown): ApiError =>
  new ApiError("ERR_PUBSUB_STREAM", { http: 500, grpc: 2 }, text, { cause });

export interface StreamClient {
  /** The subscriber, as an app that is called. */
  readonly channel: AppChannel;
  readonly events: AsyncIterable<StreamMessage>;
  /** Hears answers until the client has no more; rejects for a second initial request. */
  listen(requests: AsyncIterable<StreamRequest>): Promise<void>;
}

/** The client of a stream; nothing waits for it any more once the signal has fired. */
export function streamClient(over: AbortSignal): StreamClient {
  const { give, withdraw, taken } = createRendezvous<StreamMessage>(over);
  /** By event id; an id that is there twice is answered in turn. */
  const waiting = new Map<string, Array<(status: StreamStatus) => void>>();

  const forget = (id: string, answered: (status: StreamStatus) => void): void => {
    const left = (waiting.get(id) ?? []).filter((each) => each !== answered);
    if (left.length > 0) waiting.set(id, left);
    else waiting.delete(id);
  };
  return {
    events: taken,
    channel: {
      send: ({ callback }, { signal }) =>
        new Promise<PlainResponse>((resolve, reject) => {
          if (callback?.kind !== "topic-event") return reject(new TypeError("No event to send"));
          const { pubsub, topic, path, event } = callback;
          const id = typeof event.fields["id"] === "string" ? event.fields["id"] : "";
          const message: StreamMessage = { kind: "event", pubsub, topic, path, event };
          const gone = (): void => {
            forget(id, answered);
            // A client that does not read must not let events pile up here.
            withdraw(message);
            reject(new Error("the stream has ended"));
          };
          const answered = (status: StreamStatus): void => {
            signal.removeEventListener("abort", gone);
            resolve({ status: 200, headers: [], body: `{"status":"${status}"}` });
          };
          if (signal.aborted) return gone();
          signal.addEventListener("abort", gone, { once: true });
          waiting.set(id, [...(waiting.get(id) ?? []), answered]);
          void give(message);
        }),
    },
    listen: async (requests) => {
      for await (const request of requests) {
        if (request.kind !== "processed") throw refused("duplicate initial request received");
        const [answered] = waiting.get(request.id) ?? [];
        if (!answered) continue;
        forget(request.id, answered);
        answered(request.status);
      }
    },
  };
}
