import { rm } from "node:fs/promises";
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  InputBinding,
  type ReadRequest,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/bindings_pb.js";
import {
  PubSub,
  type PullMessagesRequest,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/pubsub_pb.js";
import { ServerReflection } from "#core/wire/grpc/gen/grpc/reflection/v1/reflection_pb.js";
import { eventually } from "#test/support/eventually.ts";

type Duplex = ServerDuplexStream<object, object>;
/** What a rpc answers; throw `grpcFailure` for a status. */
type Unary = (request: object) => object | Promise<object>;
type Bidi = (call: Duplex) => void;

/** A component's process: gRPC services behind a Unix socket, with what a test says that they do. */
export interface Peer extends AsyncDisposable {
  readonly socket: string;
  /** Drops every connection, as a crash would. */
  vanish(): Promise<void>;
}

export function grpcFailure(code: number, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

/** Rpcs that are not given are UNIMPLEMENTED, as those of an older component are. */
export async function startPeer(
  socket: string,
  services: ReadonlyArray<{
    readonly service: DescService;
    readonly unary?: Readonly<Record<string, Unary>>;
    readonly bidi?: Readonly<Record<string, Bidi>>;
  }>,
): Promise<Peer> {
  const server = new Server();
  const names = services.map(({ service }) => service.typeName);
  for (const { service, unary = {}, bidi = {} } of services)
    server.addService(definitionOf(service), implementation(service, unary, bidi));
  server.addService(definitionOf(ServerReflection), {
    serverReflectionInfo: (call: Duplex) => {
      call.on("data", () =>
        call.write({
          messageResponse: {
            case: "listServicesResponse",
            value: { service: names.map((name) => ({ name })) },
          },
        }),
      );
      call.on("end", () => call.end());
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (reason) =>
      reason ? reject(reason) : resolve(),
    ),
  );
  const vanish = async (): Promise<void> => {
    server.forceShutdown();
    await rm(socket, { force: true });
  };
  return { socket, vanish, [Symbol.asyncDispose]: vanish };
}

function definitionOf(service: DescService): never {
  const methods = service.methods.map((method) => [
    method.localName,
    {
      path: `/${service.typeName}/${method.name}`,
      requestStream: method.methodKind === "bidi_streaming",
      responseStream: method.methodKind === "bidi_streaming",
      requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
      responseSerialize: (message: object) => encoded(method.output, message),
      requestSerialize: (message: object) => encoded(method.input, message),
      responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
    },
  ]);
  return Object.fromEntries(methods) as never;
}

function encoded(schema: DescMessage, message: object): Buffer {
  return Buffer.from(toBinary(schema, create(schema, message as never)));
}

function implementation(
  { methods }: DescService,
  unary: Readonly<Record<string, Unary>>,
  bidi: Readonly<Record<string, Bidi>>,
): UntypedServiceImplementation {
  const answer =
    ({ localName }: DescMethod) =>
    (call: ServerUnaryCall<object, object>, done: sendUnaryData<object>): void => {
      const run = unary[localName];
      if (!run)
        return done({ code: status.UNIMPLEMENTED, details: `${localName} is not implemented` });
      Promise.resolve()
        .then(() => run(call.request))
        .then(
          (value) => done(null, value),
          (reason: Error) => done(reason),
        );
    };
  const converse =
    ({ localName }: DescMethod) =>
    (call: Duplex): void =>
      bidi[localName]?.(call);
  return Object.fromEntries(
    methods.map((method) => [
      method.localName,
      method.methodKind === "unary" ? answer(method) : converse(method),
    ]),
  );
}

interface Conversation<Answer> {
  /** Everything that the runtime has said, in order. */
  readonly answers: readonly Answer[];
  /** Hands one out over the newest stream. */
  send(message: object): void;
  /** Streams that have been opened. */
  readonly opened: number;
  /** Resolves once a stream is open that takes messages. */
  isOpen(): Promise<unknown>;
}
export interface TestBroker extends Conversation<PullMessagesRequest> {
  /** In which order things came: `pause`, `ack <id>`, `nack <id>`, `end`. */
  readonly heard: readonly string[];
  /** For `startPeer`. */
  readonly offered: Parameters<typeof startPeer>[1][number];
}
export interface TestEvents extends Conversation<ReadRequest> {
  readonly offered: Parameters<typeof startPeer>[1][number];
}

/** A broker that hands out what the test says. Without `pause` it does not have the rpc. */
export function testBroker({
  pause,
}: { readonly pause?: () => object | Promise<object> } = {}): TestBroker {
  const heard: string[] = [];
  const answers: PullMessagesRequest[] = [];
  const streams: Duplex[] = [];
  let ready = 0;
  return {
    heard,
    answers,
    get opened() {
      return streams.length;
    },
    isOpen: () => eventually(() => ready > 0, { what: "the subscription at the component" }),
    send: (message) => void streams.at(-1)?.write(message),
    offered: {
      service: PubSub,
      unary: {
        init: () => ({}),
        features: () => ({}),
        ping: () => ({}),
        publish: () => ({}),
        ...(pause
          ? {
              pause: () => {
                heard.push("pause");
                return pause();
              },
            }
          : {}),
      },
      bidi: {
        pullMessages: (call) => {
          streams.push(call);
          call.on("error", () => {});
          call.on("data", (request: PullMessagesRequest) => {
            if (request.topic) return void ready++;
            answers.push(request);
            heard.push(`${request.ackError ? "nack" : "ack"} ${request.ackMessageId}`);
          });
          call.on("end", () => {
            heard.push("end");
            call.end();
          });
        },
      },
    },
  };
}

/** An input binding whose events the test hands out. */
export function testEvents(): TestEvents {
  const answers: ReadRequest[] = [];
  const streams: Duplex[] = [];
  return {
    answers,
    get opened() {
      return streams.length;
    },
    isOpen: () => eventually(() => streams.length > 0, { what: "the reader at the component" }),
    send: (message) => void streams.at(-1)?.write(message),
    offered: {
      service: InputBinding,
      unary: { init: () => ({}), ping: () => ({}) },
      bidi: {
        read: (call) => {
          streams.push(call);
          call.on("error", () => {});
          call.on("data", (answer: MessageShape<typeof InputBinding.method.read.input>) =>
            answers.push(answer),
          );
          call.on("end", () => call.end());
        },
      },
    },
  };
}
