import type { ApiError, ErrorDetail } from "#core/errors/api-error.ts";
import { type RouteResponse, metadataHeaders } from "./response.ts";

/** `{errorCode, message, details?}`; no other file writes an error to HTTP. */
export function renderError(error: ApiError): RouteResponse {
  const body: Record<string, unknown> = { errorCode: error.code, message: error.message };
  if (error.details) body["details"] = error.details.map(renderDetail);
  return {
    status: error.spec.http,
    headers: { "content-type": "application/json", ...metadataHeaders(error.metadata) },
    body: JSON.stringify(body),
  };
}

function renderDetail(detail: ErrorDetail): object {
  const at = { "@type": `type.googleapis.com/google.rpc.${detail.type}` };
  switch (detail.type) {
    case "ErrorInfo":
      return {
        ...at,
        domain: detail.domain ?? "dapr.io",
        metadata: detail.metadata,
        reason: detail.reason,
      };
    case "ResourceInfo":
      return {
        ...at,
        description: detail.description ?? "",
        owner: detail.owner ?? "",
        resource_name: detail.resourceName,
        resource_type: detail.resourceType,
      };
    case "BadRequest":
      return { ...at, field_violations: detail.violations };
    case "Help":
      return { ...at, links: detail.links };
  }
}
