import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { DaprActorStreams } from "./gen/dapr/proto/runtime/v1/actor_streams_pb.js";
import { Dapr } from "./gen/dapr/proto/runtime/v1/dapr_pb.js";
import { DaprStableJobs } from "./gen/dapr/proto/runtime/v1/stable_jobs_pb.js";

/** The rpcs of `dapr.proto.runtime.v1.Dapr`, types and descriptors; those that the SDK's files lack included. */
type Methods = (typeof Dapr)["method"] &
  (typeof DaprStableJobs)["method"] &
  (typeof DaprActorStreams)["method"];
type OfKind<K> = {
  [N in keyof Methods]: Methods[N] extends { readonly methodKind: K } ? Capitalize<N> : never;
}[keyof Methods];
export type UnaryRpc = OfKind<"unary">;
export type ServerStreamRpc = OfKind<"server_streaming">;
export type BidiRpc = OfKind<"bidi_streaming">;
export type Rpc = UnaryRpc | ServerStreamRpc | BidiRpc;

type MethodOf<R extends Rpc> = Methods[Uncapitalize<R>];
export type RequestOf<R extends Rpc> = MessageShape<MethodOf<R>["input"]>;
/** What a renderer gives back: plain fields; the surface makes the message. */
export type ResponseInit<R extends Rpc> = MessageInitShape<MethodOf<R>["output"]>;

export type RpcKind = "unary" | "server_streaming" | "bidi_streaming";
export interface RpcDescriptor {
  /** `/package.Service/Method`, as it stands in `:path`. */
  readonly path: string;
  readonly kind: RpcKind;
  readonly input: DescMessage;
  readonly output: DescMessage;
}

const service = "/dapr.proto.runtime.v1.Dapr/";
const methods = [...Dapr.methods, ...DaprStableJobs.methods, ...DaprActorStreams.methods];

/** By rpc name, for example `GetState`. */
export const rpcs: ReadonlyMap<string, RpcDescriptor> = new Map(
  methods.map(({ name, methodKind, input, output }) => [
    name,
    { path: service + name, kind: methodKind as RpcKind, input, output },
  ]),
);
