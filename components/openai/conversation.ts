import { optionsOf } from "#components/_shared/options.ts";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type {
  Conversation,
  ConversationRequest,
  ConversationResult,
} from "#core/ports/conversation.ts";
import type { ComponentSpec, Host, OptionTable } from "#core/ports/manifest.ts";
import { boundedText } from "#core/util/bounded-read.ts";
import { isRecord } from "#core/util/json.ts";
import { createAnswerCache } from "./cache.ts";
import { completionRequest, completionResult } from "./messages.ts";

/** Larger than any answer of a model. */
const maxAnswerBytes = 16 * 1024 * 1024;

export function open(
  spec: ComponentSpec,
  table: OptionTable,
  { fetch, clock }: Pick<Host, "fetch" | "clock">,
): Conversation {
  const options = optionsOf(spec, table);
  const key = options.text("key");
  const model = options.text("model") ?? "";
  const endpoint = (options.text("endpoint") ?? "").replace(/\/+$/, "");
  if (!/^https?:\/\//.test(endpoint)) throw new Error("endpoint: must be an http or https URL");
  const maxTokens = options.number("maxTokens");
  const azure = "apiType" in table && options.text("apiType")?.toLowerCase() === "azure";
  const version = azure ? options.text("apiVersion") : undefined;
  if (azure && version === undefined) throw new Error("apiVersion: is needed with apiType azure");
  const url = azure
    ? `${endpoint}/openai/deployments/${encodeURIComponent(model)}/chat/completions?api-version=${encodeURIComponent(version ?? "")}`
    : `${endpoint}/chat/completions`;
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (key !== undefined)
    headers[azure ? "api-key" : "authorization"] = azure ? key : `Bearer ${key}`;
  const cacheMs = options.duration("cacheTTL", 1000) ?? 0;
  const cache = cacheMs > 0 ? createAnswerCache(clock, cacheMs) : undefined;

  async function ask(body: string, { signal }: CallOptions): Promise<ConversationResult> {
    let response: Response;
    try {
      response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    } catch (reason) {
      throw new ComponentError("unavailable", `cannot reach ${endpoint}: ${causeOf(reason)}`, {
        cause: reason,
      });
    }
    const text = await boundedText(response, maxAnswerBytes);
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      answer = undefined;
    }
    if (!response.ok)
      throw new ComponentError(
        "rejected",
        `the service answered ${response.status}: ${errorOf(answer, text)}`,
      );
    return completionResult(answer);
  }
  return {
    converse: (request: ConversationRequest, call) => {
      const body = JSON.stringify(completionRequest(request, model, maxTokens));
      return cache ? cache.get(body, () => ask(body, call)) : ask(body, call);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** `fetch` says only that it failed; why is in its cause. */
function causeOf(reason: unknown): string {
  const cause = reason instanceof Error ? reason.cause : undefined;
  return messageOf(cause ?? reason);
}
function errorOf(answer: unknown, text: string): string {
  const error = isRecord(answer) ? answer["error"] : undefined;
  const message = isRecord(error) ? error["message"] : error;
  return (typeof message === "string" ? message : text).slice(0, 1000);
}
