import { type RouteResponse, metadataHeaders, noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import type { BindingData } from "#core/ports/bindings.ts";
import { headerNamesOf } from "./header-names.ts";
import { invokeBinding } from "./operations.ts";
import { readRequest } from "./read-request.ts";

export function bindingsHttp(routes: HttpRoutes): void {
  routes.on(["POST", "PUT"], "/v1.0/bindings/:name", invokeBinding, readRequest, writeAnswer);
}

function writeAnswer(answer: BindingData | undefined): RouteResponse {
  if (!answer) return noContent;
  const headers = metadataHeaders(headerNamesOf(answer.metadata));
  headers["content-type"] = answer.contentType ?? "application/json";
  return { status: 200, headers, body: answer.data ?? "" };
}
