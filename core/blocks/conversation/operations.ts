import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type {
  Conversation,
  ConversationRequest,
  ConversationResult,
} from "#core/ports/conversation.ts";
import { conversationError, invalidParameters } from "./errors.ts";
import { describeConversation } from "#core/kernel/facts/describe.ts";

export interface Converse {
  readonly component: string;
  /** Number of `inputs` that the request had; none is refused. */
  readonly inputs: number;
  readonly request: ConversationRequest;
}
export const converse: Operation<Converse, ConversationResult> = defineOperation(
  "conversation.converse",
  {
    api: "conversation",
    endpoint: "Converse",
    describe: describeConversation,
    metric: {
      family: "component_conversation",
      kind: "conversation",
      component: ({ component }) => component,
      labels: (app, name, _, success) => [name, app.namespace, success],
    },
  },
  async (call, { component, inputs, request }) => {
    const port = modelOf(call, component);
    if (inputs === 0)
      throw conversationError(
        "ERR_CONVERSATION_MISSING_INPUTS",
        `failed conversing with component ${component}: missing inputs in request`,
      );
    checkToolChoice(component, request);
    try {
      return await port.converse(request, call);
    } catch (reason) {
      throw conversationError(
        "ERR_CONVERSATION_INVOKE",
        `failed conversing with component ${component}: ${messageOf(reason)}`,
        { cause: reason },
      );
    }
  },
);

export function modelOf(call: Call, name: string): Conversation {
  const found = call.app.component("conversation", name);
  if (found) return found.port;
  throw conversationError(
    "ERR_CONVERSATION_NOT_FOUND",
    whyNotStarted(call.app, "conversation", name) ??
      `failed finding conversation component ${name}`,
  );
}

function checkToolChoice(component: string, { tools, toolChoice = "" }: ConversationRequest): void {
  if (toolChoice === "" || toolChoice === "auto" || toolChoice === "none") return;
  const choices =
    "must be 'auto', 'none', 'required', or a specific tool name matching the tools available to be used";
  if (toolChoice === "required") {
    if (tools.length === 0) throw invalidParameters(component, `tool choice ${choices}`);
  } else if (tools.length > 0 && !tools.some(({ name }) => name === toolChoice)) {
    throw invalidParameters(component, `tool choice selected was not found. M${choices.slice(1)}`);
  }
}
