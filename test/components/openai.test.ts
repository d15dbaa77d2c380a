import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as manifests from "#components/openai/manifest.ts";
import type { ConversationRequest } from "#core/ports/conversation.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { testHost } from "#test/support/host.ts";
import { type OpenAiDouble, openAiDouble } from "#test/doubles/openai-server.ts";

const options = { signal: new AbortController().signal };
const hello: ConversationRequest = {
  messages: [{ role: "user", content: ["hello", "you"] }],
  tools: [],
};
const completion = {
  model: "m-1",
  choices: [{ finish_reason: "stop", message: { content: "hi" } }],
  usage: { prompt_tokens: 3, completion_tokens: 1 },
};

describe("conversation over chat completions", () => {
  let service: OpenAiDouble;
  const clock = fakeClock();
  beforeEach(async () => {
    service = await openAiDouble();
    service.answer(200, completion);
  });
  afterEach(() => service[Symbol.asyncDispose]());

  const opened = (metadata: Readonly<Record<string, string>> = {}, manifest = manifests.openai) =>
    manifest.open(
      {
        name: "llm",
        namespace: "",
        metadata: { key: "secret", endpoint: service.url, ...metadata },
      },
      testHost({ clock, fetch: globalThis.fetch }),
    );

  it("asks with key and model, and answers what the model says", async () => {
    const model = await opened({ model: "m" });
    expect(await model.converse(hello, options)).toEqual({
      choices: [{ finishReason: "stop", content: "hi", toolCalls: [] }],
      model: "m-1",
      usage: { promptTokens: 3, completionTokens: 1 },
    });
    expect(service.asked[0]).toMatchObject({
      url: "/v1/chat/completions",
      headers: { authorization: "Bearer secret" },
      body: { model: "m", messages: [{ role: "user", content: "hello\nyou" }] },
    });
  });
  it("carries tools, their calls and their answers", async () => {
    service.answer(200, {
      choices: [
        {
          finish_reason: "tool_calls",
          message: {
            content: null,
            tool_calls: [{ id: "c1", function: { name: "weather", arguments: '{"a":1}' } }],
          },
        },
      ],
    });
    const model = await opened();
    const answer = await model.converse(
      {
        messages: [
          { role: "system", content: ["s"] },
          {
            role: "assistant",
            content: [],
            toolCalls: [{ id: "c0", name: "weather", arguments: "{}" }],
          },
          { role: "tool", toolId: "c0", name: "weather", content: ["sunny"] },
        ],
        tools: [{ name: "weather", parameters: { type: "object" } }],
        toolChoice: "weather",
        temperature: 0.5,
      },
      options,
    );
    expect(answer.choices[0]?.toolCalls).toEqual([
      { id: "c1", name: "weather", arguments: '{"a":1}' },
    ]);
    expect(service.asked[0]?.body).toMatchObject({
      temperature: 0.5,
      tools: [{ type: "function", function: { name: "weather" } }],
      tool_choice: { type: "function", function: { name: "weather" } },
      messages: [
        { role: "system", content: "s" },
        { role: "assistant", tool_calls: [{ id: "c0" }] },
        { role: "tool", tool_call_id: "c0", content: "sunny" },
      ],
    });
  });
  it("gives a known answer again while it is fresh, where that is asked for", async () => {
    const model = await opened({ cachettl: "10s" });
    await model.converse(hello, options);
    await model.converse(hello, options);
    expect(service.asked).toHaveLength(1);
    await clock.advance(11_000);
    await model.converse(hello, options);
    expect(service.asked).toHaveLength(2);
  });
  it("speaks to Azure by deployment", async () => {
    const model = await opened({ apitype: "azure", apiversion: "2024-06-01", model: "d 1" });
    await model.converse(hello, options);
    expect(service.asked[0]).toMatchObject({
      url: "/v1/openai/deployments/d%201/chat/completions?api-version=2024-06-01",
      headers: { "api-key": "secret" },
    });
  });
  it.each([
    [401, { error: { message: "bad key" } }, "the service answered 401: bad key"],
    [500, "oops", "the service answered 500: oops"],
    [200, "no json", "the service's answer is not a chat completion"],
    [200, { choices: 7 }, "the service's answer is not a chat completion"],
  ])("says why it failed (%s %j)", async (status, body, message) => {
    service.answer(status, body);
    await expect((await opened()).converse(hello, options)).rejects.toThrow(message);
  });
  it("ends when its caller does, and says when nobody listens", async () => {
    service.hang();
    const gone = new AbortController();
    const pending = (await opened()).converse(hello, { signal: gone.signal });
    gone.abort(new Error("gone"));
    await expect(pending).rejects.toThrow();
    const nobody = await opened({ endpoint: "http://127.0.0.1:1/v1" });
    await expect(nobody.converse(hello, options)).rejects.toThrow("cannot reach");
  });
  it("needs no key for Ollama", async () => {
    const model = await manifests.ollama.open(
      { name: "llm", namespace: "", metadata: { endpoint: service.url } },
      testHost({ clock, fetch: globalThis.fetch }),
    );
    await model.converse(hello, options);
    expect(service.asked[0]?.headers.authorization).toBeUndefined();
    expect(service.asked[0]?.body["model"]).toBe("llama3.2:latest");
  });
  it.each([
    [{ endpoint: "ftp://x" }, "endpoint"],
    [{ apitype: "azure" }, "apiVersion"],
    [{ cachettl: "soon" }, "cacheTTL"],
  ])("refuses %j", async (metadata, message) => {
    await expect(opened(metadata as Record<string, string>)).rejects.toThrow(message);
  });
});
