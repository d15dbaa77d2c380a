import { describe, expect, it } from "vitest";
import { bindingsHttp } from "#core/blocks/bindings/http.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { BindingData, OutputBinding } from "#core/ports/bindings.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { api, type ApiAnswer, type ApiRequest } from "../../api.ts";

interface Invoked extends BindingData {
  readonly operation: string;
}
interface BindingApi {
  readonly invoked: readonly Invoked[];
  invoke(
    body: unknown,
    more?: Partial<ApiRequest> & { readonly name?: string },
  ): Promise<ApiAnswer>;
}
function bindingApi(
  answer: () => Promise<BindingData | undefined> = async () => undefined,
  more: { readonly samplingRate?: number; readonly maxBodyBytes?: number } = {},
): BindingApi {
  const invoked: Invoked[] = [];
  const port: OutputBinding = {
    operations: ["create", "get"],
    invoke: (operation, request) => {
      invoked.push({ operation, ...request });
      return answer();
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const call = api(
    fakeApp({ components: [{ kind: "bindings.output", name: "web", port }], ...more }),
    [bindingsHttp],
  );
  return {
    invoked,
    invoke: (body, { name = "web", ...request } = {}) =>
      call(`/v1.0/bindings/${name}`, { method: "POST", body, ...request }),
  };
}
const failed = (message: string): object => ({
  errorCode: "ERR_INVOKE_OUTPUT_BINDING",
  message: `error invoking output binding ${message}`,
});
const malformed = (why: string): object => ({
  errorCode: "ERR_MALFORMED_REQUEST",
  message: `failed deserializing HTTP body: ${why}`,
});

describe("binding.invoke", () => {
  it("hands operation, data and metadata to the component, and answers its bytes as JSON", async () => {
    const { invoke, invoked } = bindingApi(async () => ({
      data: "[1]",
      metadata: { statusCode: "200", "x-a": "1" },
    }));
    const answer = await invoke(
      { operation: "get", data: { a: 1 }, metadata: { path: "/p", empty: null } },
      { method: "PUT" },
    );
    expect(invoked).toEqual([
      { operation: "get", data: '{"a":1}', metadata: { path: "/p", empty: "" } },
    ]);
    expect(answer).toMatchObject({ status: 200, text: "[1]" });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("metadata.statuscode")).toBe("200");
    expect(answer.headers.get("metadata.x-a")).toBe("1");
  });
  it("answers with the component's own content type where it has one, and 200 without a body where it has no data", async () => {
    const typed = bindingApi(async () => ({
      data: new Uint8Array([1, 2]),
      metadata: {},
      contentType: "image/png",
    }));
    expect((await typed.invoke({ operation: "get" })).headers.get("content-type")).toBe(
      "image/png",
    );
    const empty = bindingApi(async () => ({ metadata: { a: "1" } }));
    expect(await empty.invoke({ operation: "get" })).toMatchObject({ status: 200, text: "" });
  });
  it("answers 204 when nothing came back", async () => {
    expect(await bindingApi().invoke({ operation: "create" })).toMatchObject({
      status: 204,
      text: "",
    });
  });
  it("leaves out metadata whose name cannot be a header, and keeps values from splitting the answer", async () => {
    const metadata = { "a b": "1", "c\r\nd": "2", ok: "x\r\ny: z" };
    for (const outcome of [
      async () => ({ metadata }),
      async () => {
        throw new ComponentError("rejected", "no", { metadata });
      },
    ]) {
      const { headers } = await bindingApi(outcome).invoke({ operation: "get" });
      expect([...headers.keys()].filter((name) => name.startsWith("metadata."))).toEqual([
        "metadata.ok",
      ]);
      expect(headers.get("metadata.ok")).toBe("x  y: z");
    }
  });
  it.each([
    ["nothing as null", '{"operation":"get"}', "null"],
    ["null as null", '{"operation":"get","data":null}', "null"],
    ["a text in quotes", '{"operation":"get","data":"text"}', '"text"'],
    [
      "members sorted, as Go does",
      '{"operation":"get","data":{"b":1,"a":{"10":1,"9":[true,false,null]}}}',
      '{"a":{"10":1,"9":[true,false,null]},"b":1}',
    ],
    [
      "markup escaped, as Go does",
      '{"operation":"get","data":"<a>&\u2028\u2029"}',
      '"\\u003ca\\u003e\\u0026\\u2028\\u2029"',
    ],
    [
      "numbers with all their digits",
      '{"operation":"get","data":[12345678901234567890,1.50]}',
      "[12345678901234567890,1.50]",
    ],
    ["half of a character as Go reads it", '{"operation":"get","data":"\\ud800"}', '"\ufffd"'],
    ["a member named __proto__", '{"operation":"get","data":{"__proto__":1}}', '{"__proto__":1}'],
    ["members named in another case", '{"Operation":"get","DATA":1}', "1"],
  ])("hands over %s", async (_, body, data) => {
    const { invoke, invoked } = bindingApi();
    expect((await invoke(body)).status).toBe(204);
    expect(invoked[0]?.data).toBe(data);
  });
  it("passes trace and baggage on in metadata", async () => {
    const { invoke, invoked } = bindingApi(undefined, { samplingRate: 1 });
    const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await invoke(
      { operation: "get", metadata: { traceparent: "mine" } },
      { headers: { traceparent: trace, tracestate: "k=v", baggage: "user=1;p, b=2" } },
    );
    expect(invoked[0]?.metadata).toEqual({
      traceparent: expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/),
      tracestate: "k=v",
      baggage: "user=1;p, b=2",
    });
  });
  it.each([
    ["without a value", "novalue"],
    ["without a key", "=x"],
    ["with an empty member", "a=b,"],
    ["with quotes", 'a="b"'],
    ["that is too long", `a=${"x".repeat(9000)}`],
  ])("refuses baggage %s", async (_, baggage) => {
    const { invoke, invoked } = bindingApi();
    const answer = await invoke({ operation: "get" }, { headers: { baggage } });
    expect(answer.status).toBe(400);
    expect(answer.json["message"]).toMatch(/^invalid baggage header: /);
    expect(invoked).toEqual([]);
  });
  it("answers the component's failure as 500, with what it has to say as headers", async () => {
    const { invoke } = bindingApi(async () => {
      throw new ComponentError("rejected", "received status code 500", {
        metadata: { statusCode: "500" },
      });
    });
    const answer = await invoke({ operation: "get" });
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual(failed("web: received status code 500"));
    expect(answer.headers.get("metadata.statuscode")).toBe("500");
  });
  it.each([
    ["no operation", {}, "web", "web: operation field is missing from request"],
    [
      "an unknown operation",
      { operation: "nope" },
      "web",
      "web: binding web does not support operation nope. supported operations:create get",
    ],
    ["an unknown binding", { operation: "get" }, "nope", "nope: couldn't find output binding nope"],
    [
      "no operation of an unknown binding",
      "null",
      "nope",
      "nope: operation field is missing from request",
    ],
  ])("answers 500 for %s", async (_, body, name, message) => {
    const answer = await bindingApi().invoke(body, { name });
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual(failed(message));
  });
  it.each([
    ["nothing", "", "EOF"],
    ["half of it", "{", "unexpected EOF"],
    [
      "a list",
      "[]",
      "json: cannot unmarshal array into Go value of type http.OutputBindingRequest",
    ],
    [
      "a long number",
      "12345678901234567890",
      "json: cannot unmarshal number into Go value of type http.OutputBindingRequest",
    ],
    [
      "an operation that is not text",
      '{"operation":1}',
      "json: cannot unmarshal number into Go struct field OutputBindingRequest.operation of type string",
    ],
    [
      "metadata that is not an object",
      '{"metadata":"x"}',
      "json: cannot unmarshal string into Go struct field OutputBindingRequest.metadata of type map[string]string",
    ],
    [
      "metadata that is not text",
      '{"metadata":{"a":true}}',
      "json: cannot unmarshal bool into Go struct field OutputBindingRequest.metadata of type string",
    ],
    ["a number past all bounds", '{"operation":"get","data":1e999}', "number out of range"],
    [
      "nesting without end",
      `{"operation":"get","data":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
      "exceeded max depth",
    ],
    [
      "nesting without end around a long number",
      `{"operation":"get","data":${"[".repeat(200_000)}12345678901234567890${"]".repeat(200_000)}}`,
      "exceeded max depth",
    ],
  ])("refuses %s with 400", async (_, body, why) => {
    const { invoke, invoked } = bindingApi();
    const answer = await invoke(body);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual(malformed(why));
    expect(invoked).toEqual([]);
  });
  it("refuses a body above the limit with 400", async () => {
    const answer = await bindingApi(undefined, { maxBodyBytes: 100 }).invoke({
      operation: "get",
      data: "x".repeat(100),
    });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual(malformed("stream too large"));
  });
});
