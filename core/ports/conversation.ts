import type { CallOptions, Component } from "./component.ts";

export interface ToolCall {
  readonly id?: string;
  readonly name: string;
  /** JSON text, as the model wrote it. */
  readonly arguments: string;
}
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
      readonly toolId: string;
      readonly name: string;
      readonly content: readonly string[];
    };

export interface ConversationTool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}
export interface ConversationRequest {
  readonly messages: readonly ConversationMessage[];
  readonly tools: readonly ConversationTool[];
  /** `auto`, `none`, `required` or the name of one tool. */
  readonly toolChoice?: string;
  readonly temperature?: number;
}
export interface ConversationChoice {
  readonly finishReason: string;
  readonly content: string;
  readonly toolCalls: readonly ToolCall[];
}
export interface ConversationResult {
  readonly choices: readonly ConversationChoice[];
  readonly model?: string;
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number };
}

/** A language model. */
export interface Conversation extends Component {
  converse(request: ConversationRequest, options: CallOptions): Promise<ConversationResult>;
}
