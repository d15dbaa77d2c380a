import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "#core/ports/platform.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { reviewConversion } from "./conversion.ts";
import type { InjectorMetrics } from "./metrics.ts";
import { BodyError, readJson } from "./read-body.ts";
import { MalformedReviewError, reviewPod, type ReviewDeps, type Reviewed } from "./review.ts";

export interface WebhookDeps extends ReviewDeps {
  readonly log: Log;
  readonly metrics: InjectorMetrics;
}

/** More than an API server takes of an object, with what a review adds. */
const mostBytes = 4 * 1024 * 1024;
/** A list of Subscriptions is converted as one. */
const mostConversionBytes = 64 * 1024 * 1024;

/** `POST /mutate` and `POST /convert`; never rejects. */
export async function answerWebhook(
  request: IncomingMessage,
  response: ServerResponse,
  deps: WebhookDeps,
): Promise<void> {
  // An API server adds `?timeout=10s`.
  const path = (request.url ?? "").split("?")[0];
  try {
    if (path !== "/mutate" && path !== "/convert")
      return sendText(response, 404, "Only /mutate and /convert are here\n");
    if (request.method !== "POST") {
      response.setHeader("allow", "POST");
      return sendText(response, 405, "Only POST\n");
    }
    if (path === "/mutate") await mutate(request, response, deps);
    else sendJson(response, reviewConversion(await readJson(request, mostConversionBytes)));
  } catch (reason) {
    if (request.destroyed && !request.complete) return;
    fail(response, path ?? "", reason, deps);
  }
}

async function mutate(
  request: IncomingMessage,
  response: ServerResponse,
  deps: WebhookDeps,
): Promise<void> {
  deps.metrics.requested();
  const reviewed = reviewPod(await readJson(request, mostBytes), deps);
  sendJson(response, reviewed.body);
  record(reviewed, deps);
}

function record({ outcome, appId, reason, pod, body }: Reviewed, deps: WebhookDeps): void {
  if (outcome === "injected") {
    deps.metrics.succeeded(appId);
    deps.log.info(`Injected into pod ${pod}, app ${appId}`);
  } else if (outcome === "refused") {
    deps.metrics.failed(appId, reason);
    deps.log.warn(body.response.status?.message ?? "");
  }
}

function fail(response: ServerResponse, path: string, reason: unknown, deps: WebhookDeps): void {
  const known = reason instanceof BodyError || reason instanceof MalformedReviewError;
  const status = reason instanceof BodyError ? reason.status : known ? 400 : 500;
  const message = messageOf(reason);
  if (path === "/mutate") deps.metrics.failed("", known ? "request" : "internal");
  if (known) deps.log.warn(`${path} was called with what it cannot read: ${message}`);
  else deps.log.error(`${path} failed: ${message}`);
  if (response.headersSent) return void response.destroy();
  // What was not read of the body must not be taken for the next request.
  response.setHeader("connection", "close");
  sendText(response, status, `${known ? message : "Internal error"}\n`);
}

function sendJson(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { "content-type": "application/json", "content-length": bytes.length });
  response.end(bytes);
}
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}
