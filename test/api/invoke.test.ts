import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";

describeCell("invoke", (cell) => {
  test("invoke.call passes method, path, query and body on, and the app's answer back", async () => {
    const answer = await cell().api.invoke("orders", "echo", {
      verb: "PUT",
      query: "a=1&b=%2F",
      headers: { "x-mine": "yes" },
      contentType: "application/json",
      body: '{"n":1}',
    });
    expect(answer).toMatchObject({
      status: 201,
      contentType: "application/json",
      body: '{"n":1}',
    });
    expect(answer.header("x-method")).toBe("PUT");
    const [seen] = await cell().appSaw("/echo?a=1&b=%2F");
    expect(seen?.headers).toMatchObject({
      "x-mine": "yes",
      "content-type": "application/json",
      "dapr-caller-app-id": "orders",
      "dapr-callee-app-id": "orders",
    });
  });
  test("invoke.call passes a large answer on whole", async () => {
    const answer = await cell().api.invoke("orders", "large", { verb: "GET" });
    expect([answer.status, answer.body.length]).toEqual([200, 300_000]);
  });
  test("invoke.call reaches an address through an HTTPEndpoint", async () => {
    const answer = await cell().api.invoke("downstream", "echo", { body: "over there" });
    expect([answer.status, answer.body]).toEqual([201, "over there"]);
  });
  test("invoke.call tells that the app has failed", async () => {
    await expect(cell().api.invoke("orders", "failing")).rejects.toMatchObject(
      refusal("APP_ANSWERED_500", { http: "no", grpc: "Internal Server Error" }),
    );
  });
  test("invoke.call of an app that nobody knows answers an error", async () => {
    await expect(cell().api.invoke("nobody", "x", { body: "{}" })).rejects.toMatchObject(
      refusal("INVOKE_FAILED", /^failed to invoke, id: nobody, err: /),
    );
  });

  onlyOver("http", () => {
    test("invoke.call keeps cookies apart", async () => {
      const answer = await cell().fetch("/v1.0/invoke/orders/method/echo", {
        method: "POST",
        body: "x",
      });
      const cookies = answer.headers.getSetCookie();
      expect(cookies.map((cookie) => cookie.split(";")[0])).toEqual(["a=1", "b=two"]);
      expect(cookies[0]?.toLowerCase()).toContain("httponly");
      expect(cookies[1]?.toLowerCase()).toContain("samesite=lax");
    });
    test("invoke.call takes the app's id from a header", async () => {
      const answer = await cell().fetch("/echo?by=header", {
        method: "POST",
        headers: { "dapr-app-id": "orders" },
        body: "x",
      });
      expect([answer.status, await answer.text()]).toEqual([201, "x"]);
    });
  });
  onlyOver("grpc", () => {
    test("invoke.call tells the status and the text of an app that has failed", async () => {
      const { code, details } = await cell()
        .grpc()
        .unary("InvokeService", {
          id: "orders",
          message: { method: "failing", httpExtension: { verb: 3 } },
        });
      expect(code).toBe(2);
      const [info] = details.map(({ value }) => new TextDecoder().decode(value));
      expect(info).toContain("http.code");
      expect(info).toContain("500");
      expect(info).toContain("http.error_message");
    });
    test("invoke.call refuses a message without a verb", async () => {
      const { code, message } = await cell()
        .grpc()
        .unary("InvokeService", { id: "orders", message: { method: "echo" } });
      expect([code, message]).toEqual([
        13,
        "failed to invoke, id: orders, err: rpc error: code = InvalidArgument desc = missing HTTP extension field",
      ]);
    });
  });
});
