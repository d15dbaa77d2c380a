import { type Operation, variantOf } from "#core/kernel/operation.ts";
import type { ConversationResult } from "#core/ports/conversation.ts";
import { type Converse, converse } from "./operations.ts";
import { scrub } from "./scrub.ts";

/** What the answer must repeat beside what the model says. */
export interface ConversationRequest extends Converse {
  readonly contextId: string | undefined;
  /** True: personal data in what the model says is replaced, too. */
  readonly scrubAnswer: boolean;
}
/** The answer repeats what was asked, so the request travels along. */
export interface ConversationExchange {
  readonly asked: ConversationRequest;
  readonly result: ConversationResult;
}
export const exchangeOf: Operation<ConversationRequest, ConversationExchange> = variantOf(
  converse,
  async (call, asked) => {
    const result = await converse.run(call, asked);
    return { asked, result: asked.scrubAnswer ? scrubbed(result) : result };
  },
);

function scrubbed(result: ConversationResult): ConversationResult {
  const choices = result.choices.map((choice) => ({ ...choice, content: scrub(choice.content) }));
  return { ...result, choices };
}
