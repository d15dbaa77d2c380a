import { type RouteResponse, json } from "#core/wire/http/response.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import type { ConversationChoice, ConversationResult } from "#core/ports/conversation.ts";
import { exchangeOf, type ConversationExchange, type ConversationRequest } from "./exchange.ts";
import { readAlpha1, readAlpha2 } from "./requests.ts";

export function conversationHttp(routes: HttpRoutes): void {
  const on = (
    version: string,
    read: (input: HttpInput) => Promise<ConversationRequest>,
    write: (out: ConversationExchange) => RouteResponse,
  ): void =>
    routes.on(["POST"], `/${version}/conversation/:name/converse`, exchangeOf, read, write);
  on("v1.0-alpha1", readAlpha1, writeAlpha1);
  on("v1.0-alpha2", readAlpha2, writeAlpha2);
}

function writeAlpha1({ asked, result }: ConversationExchange): RouteResponse {
  const outputs = [{ result: result.choices[0]?.content ?? "" }];
  return json(
    asked.contextId === undefined ? { outputs } : { contextID: asked.contextId, outputs },
  );
}

function writeAlpha2({ asked, result }: ConversationExchange): RouteResponse {
  const output: Record<string, unknown> = { choices: result.choices.map(choiceOf) };
  if (result.model !== undefined) output["model"] = result.model;
  if (result.usage) output["usage"] = usageOf(result.usage);
  const outputs = [output];
  return json(
    asked.contextId === undefined ? { outputs } : { contextId: asked.contextId, outputs },
  );
}

function choiceOf({ finishReason, content, toolCalls }: ConversationChoice, index: number): object {
  const message: Record<string, unknown> = {};
  if (content !== "") message["content"] = content;
  if (toolCalls.length > 0)
    message["toolCalls"] = toolCalls.map(({ id, ...call }) => ({
      ...(id === undefined ? {} : { id }),
      function: call,
    }));
  // Protobuf's JSON leaves out what is zero.
  return index === 0 ? { finishReason, message } : { finishReason, index: String(index), message };
}

/** 64-bit numbers are strings in protobuf's JSON. */
function usageOf({
  promptTokens,
  completionTokens,
}: NonNullable<ConversationResult["usage"]>): object {
  return {
    completionTokens: String(completionTokens),
    promptTokens: String(promptTokens),
    totalTokens: String(promptTokens + completionTokens),
  };
}
