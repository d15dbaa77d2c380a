import type { GrpcInput } from "#core/wire/grpc/input.ts";
import type { RequestOf, ResponseInit } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import type {
  ConversationChoice,
  ConversationMessage,
  ConversationTool,
  ToolCall,
} from "#core/ports/conversation.ts";
import { exchangeOf, type ConversationExchange, type ConversationRequest } from "./exchange.ts";
import { invalidParameters } from "./errors.ts";
import { modelOf } from "./operations.ts";
import { roleOf, scrubMessage } from "./requests.ts";
import { scrub } from "./scrub.ts";

type Alpha1 = RequestOf<"ConverseAlpha1">;
type Alpha2 = RequestOf<"ConverseAlpha2">;
type Message = Alpha2["inputs"][number]["messages"][number];
type Content = ReadonlyArray<{ readonly text: string }>;

export function conversationGrpc(routes: GrpcRoutes): void {
  routes.unary("ConverseAlpha1", exchangeOf, readAlpha1, writeAlpha1);
  routes.unary("ConverseAlpha2", exchangeOf, readAlpha2, writeAlpha2);
}

function readAlpha1(request: Alpha1, input: GrpcInput): ConversationRequest {
  const { name, inputs, contextID, scrubPII, temperature } = request;
  modelOf(input, name);
  return {
    component: name,
    inputs: inputs.length,
    contextId: contextID || undefined,
    scrubAnswer: scrubPII === true,
    request: {
      messages: inputs.map(({ role, content, scrubPII: hide }) => ({
        role: roleOf(role ?? ""),
        content: [hide === true ? scrub(content) : content],
      })),
      tools: [],
      ...(temperature === undefined ? {} : { temperature }),
    },
  };
}

function readAlpha2(request: Alpha2, input: GrpcInput): ConversationRequest {
  const { name, inputs, contextId, scrubPii, temperature, toolChoice } = request;
  modelOf(input, name);
  return {
    component: name,
    inputs: inputs.length,
    contextId: contextId || undefined,
    scrubAnswer: scrubPii === true,
    request: {
      messages: inputs.flatMap(({ messages, scrubPii: hide }) => {
        const read = messages.map((each) => messageOf(name, each));
        return hide === true ? read.map(scrubMessage) : read;
      }),
      tools: request.tools.map(toolOf),
      ...(toolChoice ? { toolChoice } : {}),
      ...(temperature === undefined ? {} : { temperature }),
    },
  };
}

function messageOf(component: string, { messageTypes: of }: Message): ConversationMessage {
  switch (of.case) {
    case "ofDeveloper":
      return { role: "developer", content: texts(of.value.content), ...named(of.value) };
    case "ofSystem":
      return { role: "system", content: texts(of.value.content), ...named(of.value) };
    case "ofUser":
      return { role: "user", content: texts(of.value.content), ...named(of.value) };
    case "ofAssistant":
      return {
        role: "assistant",
        content: texts(of.value.content),
        toolCalls: of.value.toolCalls.map(({ id, toolTypes }): ToolCall => {
          if (toolTypes.case !== "function")
            throw invalidParameters(component, "tool types cannot be nil");
          const { name, arguments: given } = toolTypes.value;
          return id ? { id, name, arguments: given } : { name, arguments: given };
        }),
        ...named(of.value),
      };
    case "ofTool": {
      const { toolId, name, content } = of.value;
      return { role: "tool", toolId: toolId ?? "", name, content: texts(content) };
    }
    case undefined:
      throw invalidParameters(component, "message type cannot be nil");
  }
}
function toolOf({ toolTypes }: Alpha2["tools"][number]): ConversationTool {
  if (toolTypes.case !== "function") return { name: "" };
  const { name, description, parameters } = toolTypes.value;
  return {
    name,
    ...(description ? { description } : {}),
    ...(parameters ? { parameters } : {}),
  };
}
function texts(content: Content): readonly string[] {
  return content.map(({ text }) => text);
}
function named({ name }: { readonly name?: string | undefined }): { readonly name?: string } {
  return name ? { name } : {};
}

function writeAlpha1({ asked, result }: ConversationExchange): ResponseInit<"ConverseAlpha1"> {
  const outputs = [{ result: result.choices[0]?.content ?? "" }];
  return asked.contextId === undefined ? { outputs } : { contextID: asked.contextId, outputs };
}

function writeAlpha2({ asked, result }: ConversationExchange): ResponseInit<"ConverseAlpha2"> {
  const { model, usage, choices } = result;
  const outputs = [
    {
      choices: choices.map(choiceOf),
      ...(model === undefined ? {} : { model }),
      ...(usage ? { usage: usageOf(usage) } : {}),
    },
  ];
  return asked.contextId === undefined ? { outputs } : { contextId: asked.contextId, outputs };
}
function choiceOf({ finishReason, content, toolCalls }: ConversationChoice, index: number) {
  return {
    finishReason,
    index: BigInt(index),
    message: {
      content,
      toolCalls: toolCalls.map(({ id, name, arguments: given }) => ({
        ...(id === undefined ? {} : { id }),
        toolTypes: { case: "function" as const, value: { name, arguments: given } },
      })),
    },
  };
}
function usageOf({
  promptTokens,
  completionTokens,
}: NonNullable<ConversationExchange["result"]["usage"]>) {
  return {
    promptTokens: BigInt(promptTokens),
    completionTokens: BigInt(completionTokens),
    totalTokens: BigInt(promptTokens + completionTokens),
  };
}
