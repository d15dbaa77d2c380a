import { plainOperation } from "#test/support/plain-operation.ts";
import type { App } from "#core/kernel/app.ts";
import { createHttp } from "#core/wire/http/surface.ts";
import { compose } from "#core/kernel/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import type {
  Deliver,
  Message,
  PubSub,
  PubSubFeature,
  TopicSubscription,
} from "#core/ports/pub-sub.ts";
import { pubsubHttp } from "#core/blocks/pubsub/http.ts";

export interface Published {
  readonly topic: string;
  readonly message: Message;
}
/** A broker that keeps what it gets, and hands it to its subscribers when they are there. */
export interface TestPubSub extends PubSub {
  readonly published: readonly Published[];
  readonly subscribed: readonly TopicSubscription[];
  /** One entry per delivered message: what the runtime told the broker. */
  readonly acks: readonly string[];
}

export function testPubSub({
  features = [],
  fail = () => undefined,
  refuse = () => undefined,
  pulls = true,
  broken = new AbortController().signal,
}: {
  readonly features?: readonly PubSubFeature[];
  /** Why a message is not taken. */
  readonly fail?: (published: Published) => Error | undefined;
  /** Why a subscription is not taken. */
  readonly refuse?: (subscription: TopicSubscription) => Error | undefined;
  /** False: like a platform that pushes. */
  readonly pulls?: boolean;
  /** Ends deliveries that are under way. */
  readonly broken?: AbortSignal;
} = {}): TestPubSub {
  const published: Published[] = [];
  const subscribed: TopicSubscription[] = [];
  const acks: string[] = [];
  const consumers: Array<{
    readonly topic: string;
    readonly deliver: Deliver;
    readonly signal: AbortSignal;
  }> = [];
  const subscribe: PubSub["subscribe"] = async (subscription, deliver, { signal }) => {
    const failure = refuse(subscription);
    if (failure) throw failure;
    subscribed.push(subscription);
    consumers.push({ topic: subscription.topic, deliver, signal });
  };
  return {
    features,
    published,
    subscribed,
    acks,
    publish: async (topic, messages) =>
      messages.map((message) => {
        const failure = fail({ topic, message });
        if (failure) return failure;
        published.push({ topic, message });
        for (const { topic: wanted, deliver, signal } of consumers)
          if (wanted === topic && !signal.aborted)
            void deliver([message], { signal: broken }).then((verdicts) => acks.push(...verdicts));
        return undefined;
      }),
    ...(pulls ? { subscribe } : {}),
    [Symbol.asyncDispose]: async () => {},
  };
}

export interface TestLog extends Log {
  readonly lines: ReadonlyArray<readonly [level: string, message: string]>;
}
export function testLog(): TestLog {
  const lines: Array<[string, string]> = [];
  const at = (level: string) => (message: string) => void lines.push([level, message]);
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}
/** Calls the publish API as an app would, over the HTTP surface. */
export function publishApi(
  app: App,
): (
  path: string,
  body: unknown,
  headers?: Record<string, string>,
  method?: string,
) => Promise<ApiAnswer> {
  const surface = createHttp(
    compose([]),
    [
      pubsubHttp,
      (routes) =>
        routes.fallback(
          plainOperation("test.fallback", async () => undefined),
          () => undefined,
          () => ({ status: 404, body: "fallback" }),
        ),
    ],
    testLog(),
  );
  const encoder = new TextEncoder();
  return async (path, body, headers = {}, method = "POST") => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const given = body instanceof Uint8Array ? body : encoder.encode(text);
    // Bytes, since a text body would bring a content type of its own.
    const request = new Request(`http://localhost${path}`, {
      method,
      headers,
      body: given as NonNullable<RequestInit["body"]>,
    });
    const response = await surface(request, { app, target: path });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
}

/** Times, UUIDs and trace ids of an event as the recording of a real sidecar has them. */
export function normalised(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>")
    .replace(/00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]/g, "<traceparent>")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "<time>");
}
