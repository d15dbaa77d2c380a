import { describe, expect, it } from "vitest";
import { open } from "#components/echo/conversation.ts";
import { conversationGrpc } from "#core/blocks/conversation/grpc.ts";
import { conversationHttp } from "#core/blocks/conversation/http.ts";
import { scrub } from "#core/blocks/conversation/scrub.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { api } from "../../api.ts";
import { grpcClient } from "../../grpc-call.ts";

describe("scrubbing of personal data", () => {
  it.each([
    ["well hello there, my phone number is +2222222222", "my phone number is <PHONE_NUMBER>"],
    ["call (555) 123-4567 ext 12 now", "call <PHONE_NUMBER> now"],
    ["write to jane.doe+x@mail.example.com, please", "write to <EMAIL_ADDRESS>, please"],
    ["from 10.0.255.1 or fe80::1ff:fe23:4567:890a", "from <IP> or <IP>"],
    ["card 4111 1111 1111 1111.", "card <CREDIT_CARD>."],
    ["ssn 078-05-1120", "ssn <US_SSN>"],
    ["at 12 Baker Street, 90210", "at <STREET_ADDRESS>, <ZIP_CODE>"],
    ["P.O. Box 123", "<PO_BOX>"],
    ["mac 00:1B:44:11:3A:B7", "mac <MAC_ADDRESS>"],
    ["DE89370400440532013000", "<IBAN>"],
    ["isbn 978-3-16-148410-0", "isbn <ISBN>"],
  ])("%s", (text, wanted) => expect(scrub(text)).toContain(wanted));

  it.each([
    "version 1.2.3",
    "at 12:30",
    "in 2026",
    "https://example.com/orders/5551234567",
    "999.1.1.1",
    "",
  ])("leaves %j alone", (text) => expect(scrub(text)).toBe(text));
  it("takes no longer than the text is long", () => {
    for (const text of [
      "1".repeat(20_000),
      "a@".repeat(10_000),
      "1 a".repeat(8000),
      ":a".repeat(10_000),
    ])
      expect(scrub(text).length).toBeGreaterThan(0);
  });
});

describe("conversation", () => {
  const app = fakeApp({ components: [{ kind: "conversation", name: "echo", port: open() }] });
  const phone = "call +2222222222";

  it("scrubs an input where that is asked for, over HTTP and gRPC", async () => {
    const call = api(app, [conversationHttp]);
    const v1 = await call("/v1.0-alpha1/conversation/echo/converse", {
      method: "POST",
      body: { inputs: [{ content: phone, scrubPII: true }, { content: phone }] },
    });
    expect(v1.json).toMatchObject({
      outputs: [{ result: "call <PHONE_NUMBER>\ncall +2222222222" }],
    });
    const messages = [{ ofUser: { content: [{ text: phone }] } }];
    const v2 = await call("/v1.0-alpha2/conversation/echo/converse", {
      method: "POST",
      body: { inputs: [{ messages, scrubPii: true }] },
    });
    expect(v2.text).toContain("call <PHONE_NUMBER>");
    const answer = await grpcClient(app, {}, [conversationGrpc]).unary("ConverseAlpha1", {
      name: "echo",
      inputs: [{ content: phone, scrubPII: true }],
    });
    expect(answer.outputs[0].result).toBe("call <PHONE_NUMBER>");
  });
  it("scrubs the answer where that is asked for", async () => {
    const answer = await grpcClient(app, {}, [conversationGrpc]).unary("ConverseAlpha2", {
      name: "echo",
      scrubPii: true,
      inputs: [
        {
          messages: [
            { messageTypes: { case: "ofUser", value: { content: [{ text: phone }] } } },
            {
              messageTypes: {
                case: "ofTool",
                value: { toolId: "1", name: "t", content: [{ text: "x" }] },
              },
            },
          ],
        },
      ],
    });
    const { content } = answer.outputs[0].choices[0].message;
    expect(content).toContain("<PHONE_NUMBER>");
    expect(content).toContain("Tool Response for tool ID '1'");
  });
});
