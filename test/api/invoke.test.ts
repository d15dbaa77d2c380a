import { expect, test } from "vitest";
import { describeCell } from "#test/support/cells.ts";

describeCell("invoke", (cell) => {
  test("invoke.call passes method, path, query and body on, and the app's answer back", async () => {
    const answer = await cell().fetch("/v1.0/invoke/orders/method/echo?a=1&b=%2F", {
      method: "PUT",
      headers: { "content-type": "application/json", "x-mine": "yes" },
      body: '{"n":1}',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-method")).toBe("PUT");
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.text()).toBe('{"n":1}');
    const [seen] = await cell().appSaw("/echo?a=1&b=%2F");
    expect(seen?.headers).toMatchObject({
      "x-mine": "yes",
      "dapr-caller-app-id": "orders",
      "dapr-callee-app-id": "orders",
    });
  });
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
  test("invoke.call passes a large answer on whole", async () => {
    const answer = await cell().fetch("/v1.0/invoke/orders/method/large");
    expect(answer.status).toBe(200);
    expect((await answer.text()).length).toBe(300_000);
  });
  test("invoke.call of an app that nobody knows answers an error with a code", async () => {
    const answer = await cell().fetch("/v1.0/invoke/nobody/method/x", {
      method: "POST",
      body: "{}",
    });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ errorCode: "ERR_DIRECT_INVOKE" });
  });
});
