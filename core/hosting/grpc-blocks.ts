import { actorsGrpc } from "#core/blocks/actors/grpc.ts";
import { bindingsGrpc } from "#core/blocks/bindings/grpc.ts";
import { subtleCryptoGrpc } from "#core/blocks/crypto/subtle-grpc.ts";
import { configurationGrpc } from "#core/blocks/configuration/grpc.ts";
import { conversationGrpc } from "#core/blocks/conversation/grpc.ts";
import { healthGrpc } from "#core/blocks/health/grpc.ts";
import { jobsGrpc } from "#core/blocks/jobs/grpc.ts";
import { lockGrpc } from "#core/blocks/lock/grpc.ts";
import { metadataGrpc } from "#core/blocks/metadata/grpc.ts";
import { pubsubGrpc } from "#core/blocks/pubsub/grpc.ts";
import { secretsGrpc } from "#core/blocks/secrets/grpc.ts";
import { stateGrpc } from "#core/blocks/state/grpc.ts";
import { workflowGrpc } from "#core/blocks/workflow/grpc.ts";
import type { GrpcBlock } from "#core/wire/grpc/surface.ts";

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
