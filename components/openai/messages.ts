import { ComponentError } from "#core/errors/component-error.ts";
import type {
  ConversationChoice,
  ConversationMessage,
  ConversationRequest,
  ConversationResult,
  ToolCall,
} from "#core/ports/conversation.ts";
import { isRecord } from "#core/util/json.ts";

/** The body of `POST chat/completions`. https://platform.openai.com/docs/api-reference/chat/create */
export function completionRequest(
  { messages, tools, toolChoice, temperature }: ConversationRequest,
  model: string,
  maxTokens: number | undefined,
): object {
  return {
    model,
    messages: messages.map(messageOf),
    ...(temperature === undefined || temperature === 0 ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map((tool) => ({ type: "function", function: tool })),
          ...(toolChoice === undefined ? {} : { tool_choice: choiceOf(toolChoice) }),
        }),
  };
}

function messageOf(message: ConversationMessage): object {
  const content = message.content.join("\n");
  const name = "name" in message && message.name ? { name: message.name } : {};
  switch (message.role) {
    case "assistant":
      return {
        role: "assistant",
        content,
        ...name,
        ...(message.toolCalls.length === 0
          ? {}
          : {
              tool_calls: message.toolCalls.map(({ id, name: called, arguments: given }) => ({
                id: id ?? "",
                type: "function",
                function: { name: called, arguments: given },
              })),
            }),
      };
    case "tool":
      return { role: "tool", tool_call_id: message.toolId, content };
    default:
      return { role: message.role, content, ...name };
  }
}
function choiceOf(choice: string): unknown {
  return ["auto", "none", "required"].includes(choice)
    ? choice
    : { type: "function", function: { name: choice } };
}

/** What the service answered. Throws for what is not a completion. */
export function completionResult(answer: unknown): ConversationResult {
  const choices = isRecord(answer) ? answer["choices"] : undefined;
  if (!isRecord(answer) || !Array.isArray(choices))
    throw new ComponentError("rejected", "the service's answer is not a chat completion");
  const { model, usage } = answer;
  return {
    choices: choices.filter(isRecord).map(readChoice),
    ...(typeof model === "string" ? { model } : {}),
    ...(isRecord(usage)
      ? {
          usage: {
            promptTokens: numberOf(usage["prompt_tokens"]),
            completionTokens: numberOf(usage["completion_tokens"]),
          },
        }
      : {}),
  };
}

function readChoice(choice: Record<string, unknown>): ConversationChoice {
  const message = isRecord(choice["message"]) ? choice["message"] : {};
  const calls = Array.isArray(message["tool_calls"]) ? message["tool_calls"] : [];
  return {
    finishReason: textOf(choice["finish_reason"]),
    content: textOf(message["content"]),
    toolCalls: calls.filter(isRecord).map(readCall),
  };
}
function readCall(call: Record<string, unknown>): ToolCall {
  const of = isRecord(call["function"]) ? call["function"] : {};
  const id = textOf(call["id"]);
  const common = { name: textOf(of["name"]), arguments: textOf(of["arguments"]) };
  return id === "" ? common : { ...common, id };
}
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
