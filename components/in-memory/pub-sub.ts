import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { Message, PubSub } from "#core/ports/pub-sub.ts";
import { Group } from "./group.ts";

export interface PubSubOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Time until a message that the app wants again is delivered again; 0 drops it instead. */
  readonly redeliverMs: number;
}

interface Topic {
  /** By consumer id; a stream is alone in its group. */
  readonly groups: Map<string | symbol, Group>;
  /** The same groups, as publishing walks them. */
  list: readonly Group[];
}

const delivered: ReadonlyArray<undefined> = Object.freeze([undefined]);

export function open({ clock, log, redeliverMs }: PubSubOptions): PubSub {
  const exact = new Map<string, Topic>();
  const wildcards = new Map<string, Topic>();
  const closing = new AbortController();

  function publish(topic: string, message: Message): Error | undefined {
    if (closing.signal.aborted) return closedError();
    const groups = groupsOf(topic);
    if (groups === undefined) return undefined;
    // First look, then put: a message that is refused has reached nobody.
    for (const group of groups) if (!group.hasRoomFor(message)) return fullError(topic);
    for (const group of groups) group.add(message);
    return undefined;
  }
  function groupsOf(topic: string): readonly Group[] | undefined {
    const named = exact.get(topic)?.list;
    if (wildcards.size === 0) return named;
    const found: Group[] = named ? [...named] : [];
    for (const [pattern, { list }] of wildcards) if (covers(pattern, topic)) found.push(...list);
    return found;
  }

  return {
    features: ["SUBSCRIBE_WILDCARDS"],
    publish: async (topic, messages) => {
      if (messages.length !== 1) return messages.map((message) => publish(topic, message));
      const failure = publish(topic, messages[0] as Message);
      return failure === undefined ? delivered : [failure];
    },
    subscribe: async ({ topic, consumerId, bulk, isStream }, deliver, { signal }) => {
      if (closing.signal.aborted) throw closedError();
      signal.throwIfAborted();
      const topics = topic.endsWith("*") ? wildcards : exact;
      const failed = (reason: unknown): void =>
        log.error(`Delivery from topic ${topic} failed: ${messageOf(reason)}`, {
          topic,
          consumerId,
        });
      const of = topics.get(topic) ?? { groups: new Map<string | symbol, Group>(), list: [] };
      topics.set(topic, of);
      // Dapr: this broker gives each subscription a copy; only replicas of an app, whose subscriptions are one to Dapr, share here.
      const id = isStream ? Symbol(consumerId) : consumerId;
      let group = of.groups.get(id);
      if (!group) {
        group = new Group({ clock, redeliverMs, closing: closing.signal, failed });
        of.groups.set(id, group);
        of.list = [...of.groups.values()];
      }
      // Dapr: it gives one message at a time, so that an app's bulk subscription gets batches of one, each after its
      // longest wait. Who does not wait for a batch to fill takes what is there.
      const most = bulk?.maxAwaitDurationMs === 0 ? bulk.maxMessagesCount : 1;
      const leave = group.join(deliver, Math.max(1, most));
      const end = (): void => {
        signal.removeEventListener("abort", end);
        closing.signal.removeEventListener("abort", end);
        if (leave() > 0) return;
        // Like Dapr's, this broker keeps nothing for a consumer that is not there.
        of.groups.delete(id);
        of.list = [...of.groups.values()];
        if (of.groups.size === 0) topics.delete(topic);
      };
      signal.addEventListener("abort", end);
      closing.signal.addEventListener("abort", end);
    },
    [Symbol.asyncDispose]: async () => closing.abort(),
  };
}

/** Dapr: only a `*` at the end is a wildcard, it stands for at least one character, and the topic may also be meant literally. */
function covers(pattern: string, topic: string): boolean {
  const length = pattern.length - 1;
  return topic === pattern || (topic.length > length && topic.startsWith(pattern.slice(0, length)));
}
function closedError(): ComponentError {
  return new ComponentError("unavailable", "the broker is closed");
}
function fullError(topic: string): ComponentError {
  return new ComponentError(
    "unavailable",
    `too many messages of topic ${topic} wait for delivery; publish again once the subscriber has caught up`,
  );
}
