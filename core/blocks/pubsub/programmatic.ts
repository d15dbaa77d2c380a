import { type AppAnswer, askApp } from "#core/blocks/_shared/ask-app.ts";
import type { App } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions, Metadata } from "#core/ports/component.ts";
import type { AppChannel, Clock, Log } from "#core/ports/platform.ts";
import { isRecord } from "#core/util/json.ts";
import type { Asked } from "./asked-subscriptions.ts";
import { field } from "#core/blocks/_shared/fields.ts";
import type { BulkSubscribe, DeclaredSubscription } from "#core/resources/declared-subscription.ts";

/** DaprBuiltInInitializationRetries: three more tries, 500 ms x 1.5 apart, at most 1 s. */
const waitsMs: readonly number[] = [500, 750, 1000];
/** An app that takes longer is worth a word: nothing is delivered to it before it has answered. */
const slowMs = 5000;

export interface AskDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** What is known from before; it takes the place of an answer when the app cannot be asked. */
  readonly asked?: Asked;
}

/** What the app answers to `GET /dapr/subscribe`; none when it has no such route, and what it last said when it cannot be asked. */
export async function askForSubscriptions(
  app: App,
  channel: AppChannel,
  deps: AskDeps,
  options: CallOptions,
): Promise<readonly DeclaredSubscription[]> {
  const { asked = { subscriptions: [], failure: undefined } } = deps;
  const fields = { app_id: app.appId };
  const calm = deps.clock.after(slowMs, () =>
    deps.log.warn("Still waiting for the app to answer GET /dapr/subscribe", fields),
  );
  const answer = await answerOf(app, channel, deps, options).finally(calm);
  if (typeof answer === "string") {
    // Nobody wants to know any more: that says nothing of the app.
    if (!options.signal.aborted) {
      // A start that takes long, or a route that is broken, would fill the log.
      const level = answer === asked.failure ? "debug" : "error";
      deps.log[level](`Cannot ask the app for its subscriptions: ${answer}`, fields);
      asked.failure = answer;
    }
    return asked.subscriptions.filter(({ pubsubname }) => app.component("pubsub", pubsubname));
  }
  asked.failure = undefined;
  asked.subscriptions = readAnswer(app, answer, deps.log);
  deps.log.debug(
    `The app answered ${answer.status} to GET /dapr/subscribe, with ${asked.subscriptions.length} subscriptions`,
    fields,
  );
  return asked.subscriptions;
}

/** The app's answer, or why there is none. */
async function answerOf(
  app: App,
  channel: AppChannel,
  deps: AskDeps,
  options: CallOptions,
): Promise<AppAnswer | string> {
  try {
    const answer = await request(app, channel, deps, options);
    const { status } = answer;
    return status === 200 || status === 404
      ? answer
      : `it answered ${status} to GET /dapr/subscribe`;
  } catch (reason) {
    return messageOf(reason);
  }
}

function readAnswer(
  app: App,
  { status, text }: AppAnswer,
  log: Log,
): readonly DeclaredSubscription[] {
  if (status === 404 || text === "") return [];
  const fields = { app_id: app.appId };
  const items = text === undefined ? undefined : listOf(text);
  if (!items) {
    log.error(
      "The app's answer to GET /dapr/subscribe is not a JSON array of at most 1 MiB",
      fields,
    );
    return [];
  }
  return items.flatMap((item) => {
    const read = readSubscription(item, app.connection?.protocol.startsWith("grpc") === true);
    if (typeof read !== "string") return [read];
    log.warn(`Leaving out a subscription of the app: ${read}`, fields);
    return [];
  });
}

async function request(
  app: App,
  channel: AppChannel,
  { clock }: AskDeps,
  options: CallOptions,
): Promise<AppAnswer> {
  const attempt = (given: CallOptions): Promise<AppAnswer> =>
    askApp(app, channel, "/dapr/subscribe", { kind: "list-subscriptions" }, clock, given);
  const policy = app.policies.resiliency?.builtIn("DaprBuiltInInitializationRetries");
  if (policy) return policy(attempt, options);
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(options);
    } catch (reason) {
      const wait = waitsMs[tries];
      if (wait === undefined || options.signal.aborted) throw reason;
      await clock.sleep(wait, options);
    }
  }
}

/** `undefined` for what is not an array; `null` is an empty one. */
function listOf(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (value === null) return [];
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** One entry, or why it does not count. A gRPC app needs no route: its path may be empty. */
function readSubscription(item: unknown, grpc: boolean): DeclaredSubscription | string {
  if (!isRecord(item)) return "an entry is not an object";
  const pubsubname = textOr(item, "pubsubname");
  const topic = textOr(item, "topic");
  if (pubsubname === "" || topic === "") return "an entry lacks pubsubname or topic";
  const given = field(item, "routes");
  const routes = isRecord(given) ? given : {};
  const rules = rulesOf(field(routes, "rules"));
  const fallback = textOr(routes, "default") || textOr(item, "route");
  if (rules.length === 0 && fallback === "" && !grpc)
    return `topic ${topic} has no route; give one in "route" or "routes"`;
  const deadLetterTopic = textOr(item, "deadLetterTopic");
  const bulkSubscribe = bulkOf(field(item, "bulkSubscribe"));
  return {
    name: "",
    pubsubname,
    topic,
    routes:
      fallback === "" && !(grpc && rules.length === 0) ? { rules } : { rules, default: fallback },
    metadata: metadataOf(field(item, "metadata")),
    ...(deadLetterTopic === "" ? {} : { deadLetterTopic }),
    ...(bulkSubscribe ? { bulkSubscribe } : {}),
  };
}

function textOr(record: Record<string, unknown>, name: string): string {
  const value = field(record, name);
  return typeof value === "string" ? value : "";
}
function rulesOf(value: unknown): DeclaredSubscription["routes"]["rules"] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((rule) => {
    const match = textOr(rule, "match").trim();
    const path = textOr(rule, "path");
    return match === "" ? { path } : { match, path };
  });
}
/** Dapr takes texts only, and refuses the whole answer otherwise; `{"rawPayload": true}` is clear enough. */
function metadataOf(value: unknown): Metadata {
  const out: Record<string, string> = {};
  if (!isRecord(value)) return out;
  for (const name of Object.keys(value)) {
    const one = value[name];
    if (typeof one === "string" || typeof one === "boolean" || typeof one === "number")
      out[name] = String(one);
  }
  return out;
}
function bulkOf(value: unknown): BulkSubscribe | undefined {
  if (!isRecord(value) || field(value, "enabled") !== true) return undefined;
  const maxMessagesCount = countOf(field(value, "maxMessagesCount"));
  const maxAwaitDurationMs = countOf(field(value, "maxAwaitDurationMs"));
  return {
    enabled: true,
    ...(maxMessagesCount === undefined ? {} : { maxMessagesCount }),
    ...(maxAwaitDurationMs === undefined ? {} : { maxAwaitDurationMs }),
  };
}
function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}
