import type { ConversationResult } from "#core/ports/conversation.ts";
import type { Clock } from "#core/ports/platform.ts";

/** Answers by question, for a while. */
export interface AnswerCache {
  get(question: string, ask: () => Promise<ConversationResult>): Promise<ConversationResult>;
}
const maxAnswers = 1000;

export function createAnswerCache(clock: Clock, lifeMs: number): AnswerCache {
  const answers = new Map<
    string,
    { readonly until: number; readonly result: ConversationResult }
  >();
  return {
    get: async (question, ask) => {
      const known = answers.get(question);
      if (known && known.until > clock.now()) return known.result;
      answers.delete(question);
      const result = await ask();
      // The oldest goes first: a Map keeps the order in which its keys came.
      if (answers.size >= maxAnswers) answers.delete(answers.keys().next().value as string);
      answers.set(question, { until: clock.now() + lifeMs, result });
      return result;
    },
  };
}
