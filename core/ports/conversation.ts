import type { CallOptions, Component } from "./component.ts";

/** A tool that the model wants to call; see `ConversationToolCalls` in Dapr's API. */
export interface ToolCall {
  /** Identifies the call in the conversation; `undefined` if the model sent no id. */
  readonly id?: string;
  /** Name of the tool. */
  readonly name: string;
  /** Arguments as JSON text, as the model wrote them. */
  readonly arguments: string;
}
/** A message of a conversation, by the role of its author; see `ConversationMessage`. */
export type ConversationMessage =
  | {
      readonly role: "developer" | "system" | "user";
      readonly name?: string;
      readonly content: readonly string[];
    }
  | {
      readonly role: "assistant";
      readonly name?: string;
      readonly content: readonly string[];
      readonly toolCalls: readonly ToolCall[];
    }
  | {
      readonly role: "tool";
      /** The `id` of the tool call that this message responds to. */
      readonly toolId: string;
      readonly name: string;
      readonly content: readonly string[];
    };

/** A tool that the model can call; see `ConversationToolsFunction` in Dapr's API. */
export interface ConversationTool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments; `undefined` if the tool has none. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}
/** A request to the model; see `ConversationRequestAlpha2` in Dapr's API. */
export interface ConversationRequest {
  readonly messages: readonly ConversationMessage[];
  readonly tools: readonly ConversationTool[];
  /** `auto`, `none`, `required` or the name of a tool. `undefined`: the model decides. */
  readonly toolChoice?: string;
  /** Sampling temperature. `undefined` means the model's default. */
  readonly temperature?: number;
}
/** One response of the model. */
export interface ConversationChoice {
  /** Why the model stopped, for example `stop` or `tool_calls`. */
  readonly finishReason: string;
  readonly content: string;
  readonly toolCalls: readonly ToolCall[];
}
/** The result of a request to the model. */
export interface ConversationResult {
  readonly choices: readonly ConversationChoice[];
  /** Name of the model that responded; `undefined` if it is not known. */
  readonly model?: string;
  /** Number of tokens used; `undefined` if the model does not report it. */
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number };
}

/** A language model (`conversation.*` components). */
export interface Conversation extends Component {
  /**
   * Sends the conversation to the model and resolves with its response.
   *
   * @throws {Error} if the model cannot be reached or refuses the request.
   */
  converse(request: ConversationRequest, options: CallOptions): Promise<ConversationResult>;
}
