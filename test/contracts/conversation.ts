import { afterAll, beforeAll, expect, test } from "vitest";
import type { Conversation, ConversationRequest } from "#core/ports/conversation.ts";

export interface ConversationSubject {
  /** The service behind it, where there is one, answers each question with some text. */
  readonly open: () => Promise<Conversation>;
}
const options = { signal: new AbortController().signal };

/** What every language model promises, whatever is behind it. */
export function conversationContract({ open }: ConversationSubject): void {
  let model: Conversation;
  beforeAll(async () => {
    model = await open();
  });
  afterAll(() => model?.[Symbol.asyncDispose]());
  const ask = (more: Partial<ConversationRequest> = {}) =>
    model.converse(
      { messages: [{ role: "user", content: ["hello"] }], tools: [], ...more },
      options,
    );

  test("converse answers at least one choice, each with a reason to end, text and tool calls", async () => {
    const { choices } = await ask();
    expect(choices.length).toBeGreaterThan(0);
    for (const choice of choices)
      expect(choice).toEqual({
        finishReason: expect.stringMatching(/./) as string,
        content: expect.any(String) as string,
        toolCalls: expect.any(Array) as unknown[],
      });
  });
  test("converse counts tokens in whole numbers, if it counts them", async () => {
    const { usage } = await ask();
    for (const count of Object.values(usage ?? {})) {
      expect(Number.isSafeInteger(count)).toBe(true);
      expect(count).toBeGreaterThanOrEqual(0);
    }
  });
  test("converse takes every role, several texts a message, tools and a temperature", async () => {
    const { choices } = await ask({
      messages: [
        { role: "system", content: ["be brief"] },
        { role: "developer", content: ["and kind"], name: "dev" },
        { role: "user", content: ["what is", "the weather? Größe \u{1f600}"], name: "jane" },
        {
          role: "assistant",
          content: [],
          toolCalls: [{ id: "c1", name: "weather", arguments: '{"city":"Oslo"}' }],
        },
        { role: "tool", toolId: "c1", name: "weather", content: ["rain"] },
        { role: "user", content: ["thanks"] },
      ],
      tools: [{ name: "weather", description: "of a city", parameters: { type: "object" } }],
      toolChoice: "auto",
      temperature: 0.5,
    });
    expect(choices.length).toBeGreaterThan(0);
  });
  test("calls side by side do not meet", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
    for (const { choices } of answers) expect(choices.length).toBeGreaterThan(0);
  });
  test("converse ends with its signal", async () => {
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    const request = { messages: [{ role: "user", content: ["x"] }] as const, tools: [] };
    await expect(model.converse(request, { signal: controller.signal })).rejects.toThrow();
  });
}
