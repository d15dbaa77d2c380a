import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { describeCell } from "#test/support/cells.ts";

const user = (...texts: readonly string[]) => ({
  ofUser: { content: texts.map((text) => ({ text })) },
});
const weather = {
  function: {
    name: "weather",
    parameters: { type: "object", properties: { town: {}, day: {} } },
  },
};

/** The model of the suite says what it was told. */
describeCell("conversation", (cell) => {
  test("conversation.converse gives the answer of the model, and what it has used", async () => {
    const inputs = [{ messages: [user("hello there")] }, { messages: [user("and you")] }];
    expect(await cell().api.converse(2, "echo", { inputs })).toEqual({
      outputs: [
        {
          choices: [{ finishReason: "stop", message: { content: "hello there\nand you" } }],
          usage: { promptTokens: "4", completionTokens: "4", totalTokens: "8" },
        },
      ],
    });
  });
  test("conversation.converse gives back the context that it was given", async () => {
    const request = { contextId: "of-mine", inputs: [{ messages: [user("hello")] }] };
    expect(await cell().api.converse(2, "echo", request)).toMatchObject({ contextId: "of-mine" });
  });
  test("conversation.converse takes every kind of message", async () => {
    const content = (text: string) => ({ content: [{ text }] });
    const messages = [
      { ofSystem: content("system") },
      { ofDeveloper: content("developer") },
      { ofAssistant: content("assistant") },
      { ofTool: { toolId: "1", name: "weather", ...content("sunny") } },
    ];
    const answer = await cell().api.converse(2, "echo", { inputs: [{ messages }] });
    expect(answer).toMatchObject({
      outputs: [
        {
          choices: [
            {
              message: {
                content:
                  "system\ndeveloper\nassistant\nTool Response for tool ID '1' with name 'weather': sunny",
              },
            },
          ],
        },
      ],
    });
  });
  test("conversation.converse keeps personal data from the model where it is asked to", async () => {
    const text = "Write to mary@example.com";
    const converse = (scrubPii: boolean) =>
      cell().api.converse(2, "echo", { inputs: [{ scrubPii, messages: [user(text)] }] });
    const said = (content: string) => ({ outputs: [{ choices: [{ message: { content } }] }] });
    expect(await converse(false)).toMatchObject(said(text));
    expect(await converse(true)).toMatchObject(said("Write to <EMAIL_ADDRESS>"));
  });
  test("conversation.converse passes on that the model wants a tool called", async () => {
    const request = { inputs: [{ messages: [user("how is it?")] }], tools: [weather] };
    expect(await cell().api.converse(2, "echo", request)).toMatchObject({
      outputs: [
        {
          choices: [
            {
              finishReason: "tool_calls",
              message: {
                toolCalls: [{ id: "0", function: { name: "weather", arguments: "day,town" } }],
              },
            },
          ],
        },
      ],
    });
  });
  test("conversation.converse refuses a choice of tool that is none of the tools", async () => {
    const request = {
      inputs: [{ messages: [user("how is it?")] }],
      tools: [weather],
      toolChoice: "clock",
    };
    await expect(cell().api.converse(2, "echo", request)).rejects.toMatchObject(
      refusal(
        "CONVERSATION_INVALID",
        "failed conversing with component echo: invalid parameters: tool choice selected was not found. Must be 'auto', 'none', 'required', or a specific tool name matching the tools available to be used",
      ),
    );
  });
  test.each([1, 2] as const)(
    "conversation.converse refuses a call without inputs (alpha%i)",
    async (version) => {
      await expect(cell().api.converse(version, "echo", { inputs: [] })).rejects.toMatchObject(
        refusal(
          "CONVERSATION_WITHOUT_INPUTS",
          "failed conversing with component echo: missing inputs in request",
        ),
      );
    },
  );
  test.each([1, 2] as const)(
    "conversation.converse refuses a model that is not there (alpha%i)",
    async (version) => {
      await expect(cell().api.converse(version, "nope", { inputs: [{}] })).rejects.toMatchObject(
        refusal("CONVERSATION_NOT_FOUND", "failed finding conversation component nope"),
      );
    },
  );
  test("conversation.converse answers in the form of alpha1 where it is asked in it", async () => {
    const request = { contextID: "of-mine", inputs: [{ content: "hello" }, { content: "you" }] };
    expect(await cell().api.converse(1, "echo", request)).toEqual({
      contextID: "of-mine",
      outputs: [{ result: "hello\nyou" }],
    });
  });
});
