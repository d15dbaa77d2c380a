import { grpcBlocks } from "#core/hosting/grpc-blocks.gen.ts";
import { createServices, type RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { Platform } from "#core/ports/platform.ts";
import type { GrpcBlock, GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { fakeClock } from "./fake-clock.ts";

/** What blocks are bound with, of a platform that has little more than a clock. */
export function fakeServices(
  platform: Partial<Platform> = {},
  find: RuntimeServices["find"] = () => undefined,
): RuntimeServices {
  const host = { address: "10.0.0.7", name: "node-7" };
  return createServices({ clock: fakeClock(), host, ...platform } as Platform, find);
}

/** A block bound to such services. */
export function boundTo(
  services: RuntimeServices,
  bind: (routes: GrpcRoutes, services: RuntimeServices) => void,
): GrpcBlock {
  return (routes) => bind(routes, services);
}

/** All blocks, over gRPC. */
export const boundGrpcBlocks: readonly GrpcBlock[] = grpcBlocks.map((bind) =>
  boundTo(fakeServices(), bind),
);
