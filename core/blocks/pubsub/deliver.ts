import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import type { Ack, Message } from "#core/ports/pub-sub.ts";
import { endWithStatus } from "#core/tracing/attributes.ts";
import { answerObject, answerText } from "#core/blocks/_shared/app-answer.ts";
import { cloudEventType } from "#core/util/content-types.ts";
import { toDeadLetters } from "./dead-letter.ts";
import { type Delivery, DeliveryError, fieldsOf } from "./delivery.ts";
import { deliveryHeaders, deliveryTrace } from "./delivery-headers.ts";
import { field } from "#core/blocks/_shared/fields.ts";
import { beginning, noteIngress } from "./ingress-metrics.ts";
import { eventOf, hasExpired, idOf, type ReadEvent, readEvent, traceOf } from "./read-event.ts";

/** Where a message goes before the app is asked: on to a path, back to the broker, or away. */
export type Dispatch =
  | { readonly read: ReadEvent; readonly path: string }
  | { readonly refused: true }
  | { readonly unwanted: "expired" | "unrouted" };

export function dispatch(
  delivery: Delivery,
  message: Message,
  reader: (delivery: Delivery, message: Message) => ReadEvent,
): Dispatch {
  const { clock, log, route } = delivery;
  try {
    const read = reader(delivery, message);
    if (hasExpired(read, clock.now())) {
      log.warn(`Dropping the expired event ${idOf(read)}`, fieldsOf(delivery));
      return { unwanted: "expired" };
    }
    const path = route(read.matched);
    if (path !== undefined) return { read, path };
    log.debug(`No route takes the event ${idOf(read)}`, fieldsOf(delivery));
    return { unwanted: "unrouted" };
  } catch (reason) {
    log.error(`Cannot read or route a message: ${messageOf(reason)}`, fieldsOf(delivery));
    return { refused: true };
  }
}

/** One message to the app, and what to tell the broker. Never rejects. */
export async function deliverOne(delivery: Delivery, message: Message): Promise<Ack> {
  const began = beginning(delivery.app);
  const target = dispatch(delivery, message, readEvent);
  if ("unwanted" in target) {
    noteIngress(delivery, began, "drop", target.unwanted === "expired" ? "drop" : "success");
    return drop(delivery, message);
  }
  if ("refused" in target) {
    noteIngress(delivery, began, "retry");
    return giveUp(delivery, message);
  }
  try {
    const taken = await delivery.inbound(
      (options) => post(delivery, target.path, target.read, message, options),
      { signal: delivery.signal },
    );
    return taken ? "done" : await drop(delivery, message);
  } catch (reason) {
    delivery.log.warn(`Cannot deliver a message: ${messageOf(reason)}`, fieldsOf(delivery));
    return giveUp(delivery, message);
  }
}

/** Dapr: without a policy the first failure is the last; the dead letter topic, if any, has the message then. */
async function giveUp(delivery: Delivery, message: Message): Promise<Ack> {
  if (delivery.deadLetterTopic === "" || delivery.closing()) return "retry";
  return (await toDeadLetters(delivery, [message]))[0] === true ? "done" : "retry";
}
async function drop(delivery: Delivery, message: Message): Promise<Ack> {
  return delivery.deadLetterTopic === "" ? "drop" : giveUp(delivery, message);
}

/** False when the app does not want the message; throws when it may be sent again. */
async function post(
  delivery: Delivery,
  path: string,
  read: ReadEvent,
  message: Message,
  options: CallOptions,
): Promise<boolean> {
  const began = beginning(delivery.app);
  try {
    const answer = await ask(delivery, path, read, message, options);
    noteIngress(
      delivery,
      began,
      answer === "done" ? "success" : "drop",
      answer === "unknown" ? "drop" : "success",
    );
    return answer === "done";
  } catch (reason) {
    noteIngress(delivery, began, "retry");
    throw reason;
  }
}

/** `unknown`: the app has no such path. */
type Answered = "done" | "dropped" | "unknown";

async function ask(
  delivery: Delivery,
  path: string,
  read: ReadEvent,
  { metadata }: Message,
  options: CallOptions,
): Promise<Answered> {
  const { app, channel, component, log } = delivery;
  const trace = deliveryTrace(app, delivery.topic, traceOf(read, metadata));
  const headers = deliveryHeaders(app, component.name, cloudEventType, metadata, trace);
  const id = idOf(read);
  let response: PlainResponse;
  try {
    response = await channel.send(
      {
        method: "POST",
        path: delivery.requestPath(path),
        headers,
        body: read.body,
        callback: {
          kind: "topic-event",
          pubsub: component.name,
          topic: delivery.topic,
          path,
          event: eventOf(read),
        },
      },
      options,
    );
  } catch (reason) {
    trace?.span?.end(messageOf(reason));
    throw new DeliveryError(`no answer from the app to event ${id}: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
  const { status } = response;
  if (trace?.span) endWithStatus(trace.span, status);
  if (status < 200 || status > 299) {
    const text = (await answerText(response))?.slice(0, 1024) ?? "";
    if (status !== 404)
      throw new DeliveryError(`the app answered ${status} to event ${id}: ${text}`, { status });
    log.error(
      `The app has no handler for event ${id}; it answered 404: ${text}`,
      fieldsOf(delivery),
    );
    return "unknown";
  }
  const said = field((await answerObject(response)) ?? {}, "status");
  return accepted(delivery, id, said) ? "done" : "dropped";
}

/** Dapr: an answer that is empty, or no JSON with a status, is success. */
function accepted(delivery: Delivery, id: string, status: unknown): boolean {
  if (typeof status !== "string") return true;
  switch (status) {
    case "":
    case "SUCCESS":
      return true;
    case "DROP":
      delivery.log.warn(`The app dropped event ${id}`, fieldsOf(delivery));
      return false;
    case "RETRY":
      throw new DeliveryError(`the app asks for event ${id} again`);
    default:
      throw new DeliveryError(
        `the app answered an unknown status to event ${id}: ${status.slice(0, 100)}`,
      );
  }
}
