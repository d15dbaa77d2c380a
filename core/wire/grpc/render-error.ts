import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { ApiError, ErrorDetail } from "#core/errors/api-error.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  HelpSchema,
  ResourceInfoSchema,
  StatusSchema,
} from "./gen/google/rpc/status_pb.js";

/** How a call ends on the wire. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
  /** A serialised google.rpc.Status, for the trailer `grpc-status-details-bin`. */
  readonly details?: Uint8Array;
}

/** No other file writes an error to gRPC. */
export function renderStatus(error: ApiError): GrpcStatus {
  const code = error.spec.grpc;
  const message = error.overGrpc?.message ?? error.message;
  if (error.overGrpc?.status) return { code, message, details: error.overGrpc.status };
  const details = detailsOf(error);
  if (details.length === 0) return { code, message };
  const status = create(StatusSchema, { code, message, details: details.map(renderDetail) });
  return { code, message, details: toBinary(StatusSchema, status) };
}

/** Dapr's plain errors say over gRPC what their HTTP form says in `errorCode`. */
function detailsOf(error: ApiError): readonly ErrorDetail[] {
  const details = error.overGrpc?.details ?? error.details;
  if (details) return details;
  return error.spec.grpcInfo ? [{ type: "ErrorInfo", reason: error.code, metadata: null }] : [];
}

function renderDetail(detail: ErrorDetail) {
  switch (detail.type) {
    case "ErrorInfo":
      return packed(ErrorInfoSchema, {
        reason: detail.reason,
        domain: detail.domain ?? "dapr.io",
        metadata: detail.metadata ?? {},
      });
    case "ResourceInfo":
      return packed(ResourceInfoSchema, {
        resourceType: detail.resourceType,
        resourceName: detail.resourceName,
        owner: detail.owner ?? "",
        description: detail.description ?? "",
      });
    case "BadRequest":
      return packed(BadRequestSchema, { fieldViolations: [...detail.violations] });
    case "Help":
      return packed(HelpSchema, { links: [...detail.links] });
  }
}

function packed<D extends DescMessage>(schema: D, init: MessageInitShape<D>) {
  return anyPack(schema, create(schema, init));
}
