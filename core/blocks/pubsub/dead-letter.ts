import { messageOf } from "#core/errors/component-error.ts";
import type { Message } from "#core/ports/pub-sub.ts";
import { publishAll } from "./bulk.ts";
import { type Delivery, fieldsOf } from "./delivery.ts";
import { brokerTopic } from "./find-pubsub.ts";
import { mayUseTopic } from "./scopes.ts";
import { within } from "#core/util/time-limit.ts";

const limitMs = 30_000;

/** Moves messages to the dead letter topic of the same component; one answer each: true once the broker has it there. Never rejects. */
export async function toDeadLetters(
  delivery: Delivery,
  messages: readonly Message[],
): Promise<readonly boolean[]> {
  const { app, component, clock, deadLetterTopic, log, signal } = delivery;
  if (deadLetterTopic === "" || messages.length === 0) return messages.map(() => false);
  let failures: readonly unknown[];
  try {
    if (!mayUseTopic("publish", deadLetterTopic, component, app))
      throw new Error(`topic ${deadLetterTopic} is not allowed for app id ${app.appId}`);
    const letters = messages.map((message) => ({
      ...message,
      metadata: { ...message.metadata, pubsubName: component.name },
    }));
    const topic = brokerTopic(component, app, deadLetterTopic);
    failures = await within(clock, limitMs, { signal }, (options) =>
      publishAll(component, topic, letters, options),
    );
  } catch (reason) {
    failures = messages.map(() => reason);
  }
  const failure = failures.find((each) => each !== undefined);
  if (failure !== undefined)
    log.error(
      `Cannot send to the dead letter topic ${deadLetterTopic}; the message is retried: ${messageOf(failure)}`,
      fieldsOf(delivery),
    );
  return failures.map((each) => each === undefined);
}
