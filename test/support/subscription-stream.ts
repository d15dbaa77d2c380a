import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Client, type ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import {
  SubscribeTopicEventsRequestAlpha1Schema as RequestSchema,
  type SubscribeTopicEventsResponseAlpha1,
  SubscribeTopicEventsResponseAlpha1Schema as ResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/pubsub_pb.js";
import { eventually } from "./eventually.ts";

/** A streaming subscription over the wire, whose client says what it is told to. */
export interface SubscriptionStream {
  /** Everything that has come, the answer to the first request among it. */
  readonly received: ReadonlyArray<
    SubscribeTopicEventsResponseAlpha1["subscribeTopicEventsResponseType"]
  >;
  /** Payloads of the events. */
  readonly texts: readonly string[];
  subscribe(pubsubName: string, topic: string): void;
  /** Resolves once the subscription is confirmed. */
  readonly started: () => Promise<unknown>;
  /** 0 is success, 1 retry, 2 drop. */
  answer(id: string, status?: number): void;
  /** Answers every event by itself, also those to come. */
  answerAll(): void;
  /** Says something that need not be a message. */
  raw(bytes: Uint8Array): void;
  /** Says that nothing more will be said. */
  hangUp(): void;
  cancel(): void;
  /** How the call has ended. */
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
}

export function subscriptionStream(client: Client): SubscriptionStream {
  const call: ClientDuplexStream<Uint8Array, Buffer> = client.makeBidiStreamRequest(
    "/dapr.proto.runtime.v1.Dapr/SubscribeTopicEventsAlpha1",
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => bytes,
    new Metadata(),
  );
  const received: Array<SubscribeTopicEventsResponseAlpha1["subscribeTopicEventsResponseType"]> =
    [];
  const texts: string[] = [];
  let answersAll = false;
  const say = (
    type: NonNullable<MessageInitShape<typeof RequestSchema>["subscribeTopicEventsRequestType"]>,
  ): void =>
    void call.write(
      toBinary(RequestSchema, create(RequestSchema, { subscribeTopicEventsRequestType: type })),
    );
  const answer = (id: string, status = 0): void =>
    say({ case: "eventProcessed", value: { id, status: { status } } });
  call.on("data", (bytes: Buffer) => {
    const { subscribeTopicEventsResponseType: said } = fromBinary(ResponseSchema, bytes);
    received.push(said);
    if (said.case !== "eventMessage") return;
    texts.push(new TextDecoder().decode(said.value.data));
    if (answersAll) answer(said.value.id);
  });
  call.on("error", () => {});
  const ended = new Promise<{ readonly code: number; readonly details: string }>((resolve) =>
    call.on("status", ({ code, details }) => resolve({ code, details })),
  );
  return {
    received,
    texts,
    subscribe: (pubsubName, topic) => say({ case: "initialRequest", value: { pubsubName, topic } }),
    started: () => eventually(() => received.length > 0, { what: "the subscription" }),
    answer,
    answerAll: () => void (answersAll = true),
    raw: (bytes) => void call.write(bytes),
    hangUp: () => void call.end(),
    cancel: () => call.cancel(),
    ended,
  };
}
