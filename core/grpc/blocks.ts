import { actorsGrpc } from "#core/actors/grpc.ts";
import { bindingsGrpc } from "#core/bindings/grpc.ts";
import { subtleCryptoGrpc } from "#core/crypto/subtle-grpc.ts";
import { configurationGrpc } from "#core/configuration/grpc.ts";
import { conversationGrpc } from "#core/conversation/grpc.ts";
import { healthGrpc } from "#core/health/grpc.ts";
import { jobsGrpc } from "#core/jobs/grpc.ts";
import { lockGrpc } from "#core/lock/grpc.ts";
import { metadataGrpc } from "#core/metadata/grpc.ts";
import { pubsubGrpc } from "#core/pubsub/grpc.ts";
import { secretsGrpc } from "#core/secrets/grpc.ts";
import { stateGrpc } from "#core/state/grpc.ts";
import { workflowGrpc } from "#core/workflow/grpc.ts";
import type { GrpcBlock } from "./surface.ts";

/** Every block's gRPC rendering that needs nothing but the call. */
export const grpcBlocks: readonly GrpcBlock[] = [
  stateGrpc,
  pubsubGrpc,
  bindingsGrpc,
  secretsGrpc,
  configurationGrpc,
  lockGrpc,
  conversationGrpc,
  metadataGrpc,
  healthGrpc,
  subtleCryptoGrpc,
  actorsGrpc,
  jobsGrpc,
  workflowGrpc,
];
