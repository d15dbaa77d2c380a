import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { onlyOver } from "#test/support/api/wire.ts";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";

describeCell("bindings", (cell) => {
  test("bindings.invoke sends the data where the component leads, and its answer back", async () => {
    const path = `echo?call=${crypto.randomUUID()}`;
    const answer = await cell().api.invokeBinding("web", "post", {
      data: { order: 7 },
      metadata: { path, "X-Mine": "yes" },
    });
    expect(answer.data).toBe('{"order":7}');
    expect(answer.metadata("statusCode")).toBe("201");
    expect(answer.metadata("X-Method")).toBe("POST");
    expect(await cell().appSaw(`/${path}`)).toMatchObject([
      { method: "POST", body: '{"order":7}', headers: { "x-mine": "yes" } },
    ]);
  });
  test("bindings.invoke carries out the operation that was asked for", async () => {
    const path = `large?call=${crypto.randomUUID()}`;
    const answer = await cell().api.invokeBinding("web", "get", { metadata: { path } });
    expect(answer.data.length).toBe(300_000);
    const [seen] = await cell().appSaw(`/${path}`);
    expect([seen?.method, seen?.body]).toEqual(["GET", ""]);
  });
  test("bindings.invoke tells that the component has failed", async () => {
    await expect(
      cell().api.invokeBinding("web", "post", { metadata: { path: "failing" } }),
    ).rejects.toMatchObject(
      refusal("BINDING_FAILED", "error invoking output binding web: received status code 500"),
    );
  });
  test("bindings.invoke refuses an operation that the component does not have", async () => {
    await expect(cell().api.invokeBinding("web", "mend")).rejects.toMatchObject(
      refusal(
        "BINDING_FAILED",
        "error invoking output binding web: binding web does not support operation mend. supported operations:create get head post put patch delete options trace",
      ),
    );
  });
  test("bindings.invoke refuses a call without an operation", async () => {
    await expect(cell().api.invokeBinding("web", "")).rejects.toMatchObject(
      refusal(
        "BINDING_FAILED",
        "error invoking output binding web: operation field is missing from request",
      ),
    );
  });
  test("bindings.invoke refuses a binding that is not there, or that only calls the app", async () => {
    for (const name of ["nope", "alarm"])
      await expect(cell().api.invokeBinding(name, "get")).rejects.toMatchObject(
        refusal(
          "BINDING_FAILED",
          `error invoking output binding ${name}: couldn't find output binding ${name}`,
        ),
      );
  });
  test("bindings.input calls the app on the path that is named like the binding", async () => {
    await cell().fireAlarm();
    const call = await eventually(
      async () => (await cell().appSaw("/alarm")).find(({ method }) => method === "POST"),
      { what: "the event" },
    );
    expect(call.headers["readtimeutc"]).toMatch(/^\d{4}-\d\d-\d\d/);
  });

  onlyOver("http", () => {
    test("bindings.invoke refuses a body that is not JSON", async () => {
      const answer = await cell().fetch("/v1.0/bindings/web", { method: "POST", body: "{" });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({
        errorCode: "ERR_MALFORMED_REQUEST",
        message: "failed deserializing HTTP body: unexpected EOF",
      });
    });
    test("bindings.invoke tells what it knows of a failure in headers", async () => {
      const answer = await cell().fetch("/v1.0/bindings/web", {
        method: "POST",
        body: JSON.stringify({ operation: "post", metadata: { path: "failing" } }),
      });
      expect(answer.status).toBe(500);
      expect(answer.headers.get("metadata.statusCode")).toBe("500");
    });
  });
  onlyOver("grpc", () => {
    test("bindings.invoke passes bytes on that are not JSON, and the call's metadata", async () => {
      const path = `echo?call=${crypto.randomUUID()}`;
      const { response } = await cell()
        .grpc()
        .unary(
          "InvokeBinding",
          {
            name: "web",
            operation: "post",
            data: new TextEncoder().encode("<>"),
            metadata: { path },
          },
          { metadata: { traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` } },
        );
      expect(new TextDecoder().decode(response.data)).toBe("<>");
      const [seen] = await cell().appSaw(`/${path}`);
      expect(seen?.headers["traceparent"]).toMatch(/^00-1{32}-/);
    });
  });
});
