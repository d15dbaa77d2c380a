import { defineOperation, type Operation } from "#core/operation.ts";
import type { ConversationResult } from "#core/ports/conversation.ts";
import { type Converse, converse } from "./operations.ts";

/** What the answer must repeat beside what the model says. */
export interface Asked extends Converse {
  readonly contextId: string | undefined;
}
/** The answer repeats what was asked, so the request travels along. */
export interface Answered {
  readonly asked: Asked;
  readonly result: ConversationResult;
}
export const answered: Operation<Asked, Answered> = defineOperation(
  converse.name,
  async (call, asked) => ({ asked, result: await converse.run(call, asked) }),
);
