import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import {
  type JobEventRequest,
  JobEventRequestSchema,
  JobEventResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/appcallback_pb.js";

/** A call of one of the two rpcs that run jobs. */
export interface JobEventCall {
  readonly rpc: "OnJobEvent" | "OnJobEventAlpha1";
  readonly request: JobEventRequest;
  readonly metadata: Readonly<Record<string, unknown>>;
}
export interface JobEventApp extends AsyncDisposable {
  readonly port: number;
}

const rpcs = {
  OnJobEvent: "/dapr.proto.runtime.v1.AppCallback/OnJobEvent",
  OnJobEventAlpha1: "/dapr.proto.runtime.v1.AppCallbackAlpha/OnJobEventAlpha1",
} as const;
const unrecorded = [
  "user-agent",
  "traceparent",
  "grpc-trace-bin",
  "grpc-accept-encoding",
  "accept-encoding",
];

/** An app that speaks gRPC and runs jobs; the answer is a gRPC code. */
export async function jobEventApp(answer: (call: JobEventCall) => number): Promise<JobEventApp> {
  const server = new Server();
  for (const [rpc, path] of Object.entries(rpcs) as ReadonlyArray<[JobEventCall["rpc"], string]>)
    server.addService(
      { [rpc]: definition(path) },
      {
        [rpc]: (
          call: ServerUnaryCall<JobEventRequest, object>,
          done: sendUnaryData<object>,
        ): void => {
          const metadata = Object.fromEntries(
            Object.entries(call.metadata.getMap()).filter(([name]) => !unrecorded.includes(name)),
          );
          const code = answer({ rpc, request: call.request, metadata });
          if (code === status.OK) done(null, {});
          else done({ code, details: "answered so" });
        },
      },
    );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

function definition(path: string) {
  const write =
    (schema: DescMessage) =>
    (message: object): Buffer =>
      Buffer.from(toBinary(schema, create(schema, message as never)));
  const read =
    (schema: DescMessage) =>
    (bytes: Buffer): object =>
      fromBinary(schema, bytes);
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: write(JobEventRequestSchema),
    requestDeserialize: read(JobEventRequestSchema),
    responseSerialize: write(JobEventResponseSchema),
    responseDeserialize: read(JobEventResponseSchema),
  };
}
