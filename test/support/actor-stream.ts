import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Client, type ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import {
  SubscribeActorEventsRequestAlpha1Schema as FromAppSchema,
  type SubscribeActorEventsResponseAlpha1,
  SubscribeActorEventsResponseAlpha1Schema as ToAppSchema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/actor_streams_pb.js";

type FromApp = NonNullable<MessageInitShape<typeof FromAppSchema>["requestType"]>;

/** A host of actors over the wire, which sends what it is told to. */
export interface ActorStream {
  send(message: FromApp): void;
  /** Sends nothing more. */
  hangUp(): void;
  cancel(): void;
  /** How the call has ended. */
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
}

/** Opens a stream; `got` is called for every message that comes. */
export function actorStream(
  client: Client,
  got: (message: SubscribeActorEventsResponseAlpha1, stream: ActorStream) => void,
): ActorStream {
  const call: ClientDuplexStream<Uint8Array, Buffer> = client.makeBidiStreamRequest(
    "/dapr.proto.runtime.v1.Dapr/SubscribeActorEventsAlpha1",
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => bytes,
    new Metadata(),
  );
  call.on("error", () => {});
  const stream: ActorStream = {
    send: (requestType) =>
      void call.write(toBinary(FromAppSchema, create(FromAppSchema, { requestType }))),
    hangUp: () => void call.end(),
    cancel: () => call.cancel(),
    ended: new Promise((resolve) =>
      call.on("status", ({ code, details }) => resolve({ code, details })),
    ),
  };
  call.on("data", (bytes: Buffer) => got(fromBinary(ToAppSchema, bytes), stream));
  return stream;
}
