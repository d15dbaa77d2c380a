import { afterAll, beforeAll, describe } from "vitest";
import { conversation as echo } from "#components/echo/manifest.ts";
import * as services from "#components/openai/manifest.ts";
import { conversationContract } from "#test/contracts/conversation.ts";
import { type OpenAiDouble, openAiDouble } from "#test/doubles/openai-server.ts";
import { openComponent } from "#test/support/host.ts";

describe("conversation.echo", () => {
  conversationContract({ open: () => openComponent(echo) });
});

describe.each(Object.entries(services))("conversation.%s", (_, manifest) => {
  let service: OpenAiDouble;
  beforeAll(async () => {
    service = await openAiDouble();
    service.answer(200, {
      model: "m",
      choices: [{ finish_reason: "stop", message: { content: "hi" } }],
      usage: { prompt_tokens: 3, completion_tokens: 1 },
    });
  });
  afterAll(() => service[Symbol.asyncDispose]());
  conversationContract({
    open: () => openComponent(manifest, { key: "secret", endpoint: service.url }),
  });
});
