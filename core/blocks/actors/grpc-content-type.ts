/**
 * Carries the content type of a call that came over gRPC to whoever hosts the actor. Dapr: a host over gRPC is told it, an
 * HTTP app is not.
 */
export const grpcContentType = "outrigger-grpc-content-type";
