import { ComponentError } from "#core/errors/component-error.ts";
import type {
  Conversation,
  ConversationMessage,
  ConversationTool,
  ToolCall,
} from "#core/ports/conversation.ts";

export function open(): Conversation {
  return {
    converse: async ({ messages, tools }, { signal }) => {
      signal.throwIfAborted();
      const content = messages.flatMap(spoken).join("\n");
      const toolCalls = [
        ...tools.map(callOf),
        ...messages.flatMap((message) => (message.role === "assistant" ? message.toolCalls : [])),
      ];
      const words = content.split(/\s+/).filter((word) => word !== "").length;
      return {
        choices: [
          { finishReason: toolCalls.length > 0 ? "tool_calls" : "stop", content, toolCalls },
        ],
        usage: { promptTokens: words, completionTokens: words },
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function spoken(message: ConversationMessage): readonly string[] {
  if (message.role !== "tool") return message.content;
  return message.content.map(
    (text) => `Tool Response for tool ID '${message.toolId}' with name '${message.name}': ${text}`,
  );
}

/** Calls each tool on offer, with the names of its arguments in place of values. */
function callOf(tool: ConversationTool, index: number): ToolCall {
  const properties = tool.parameters?.["properties"] ?? {};
  if (typeof properties !== "object" || Array.isArray(properties))
    throw new ComponentError("rejected", "tool function properties must be an object");
  return {
    id: String(index),
    name: tool.name,
    arguments: Object.keys(properties as object)
      .sort()
      .join(","),
  };
}
