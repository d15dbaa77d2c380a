import { expect, test } from "vitest";
import { refusal } from "#test/support/api/refusal.ts";
import { describeCell } from "#test/support/cells.ts";
import { eventually } from "#test/support/eventually.ts";

/** A query of the app's path "flaky": that many calls fail, by a name that no other case has. */
const failing = (times: number, status = 500): string =>
  `name=${crypto.randomUUID()}&times=${times}&status=${status}`;

/** The policies are those of `suiteResources`; what they do is seen from the app, which is where the calls end. */
describeCell("resiliency", (cell) => {
  const callsOf = async (query: string): Promise<number> =>
    (await cell().appSaw(`/flaky?${query}`)).length;
  const post = (binding: string, path: string) =>
    cell().api.invokeBinding(binding, "post", { metadata: { path } });
  const bindingRefusal = (binding: string, why: string) =>
    refusal("BINDING_FAILED", `error invoking output binding ${binding}: ${why}`);

  test("resiliency.retry calls a component again until it answers", async () => {
    const query = failing(2);
    expect((await post("persistent", `flaky?${query}`)).data).toBe("done");
    expect(await callsOf(query)).toBe(3);
  });
  test("resiliency.retry gives up after as many retries as it may make", async () => {
    const query = failing(3);
    await expect(post("persistent", `flaky?${query}`)).rejects.toMatchObject(
      bindingRefusal("persistent", "received status code 500"),
    );
    expect(await callsOf(query)).toBe(3);
  });
  test("resiliency.retry leaves components alone that have no policy", async () => {
    const query = failing(1);
    await expect(post("web", `flaky?${query}`)).rejects.toMatchObject(
      bindingRefusal("web", "received status code 500"),
    );
    expect(await callsOf(query)).toBe(1);
  });
  test("resiliency.retry invokes an endpoint again until it answers", async () => {
    const query = failing(2, 503);
    const answer = await cell().api.invoke("downstream", "flaky", { query, body: "once more" });
    expect(answer.body).toBe("done");
    const seen = await cell().appSaw(`/flaky?${query}`);
    expect(seen.map(({ body }) => body)).toEqual(["once more", "once more", "once more"]);
  });
  test("resiliency.retry passes on what an endpoint answers in the end", async () => {
    const query = failing(3);
    await expect(cell().api.invoke("downstream", "flaky", { query })).rejects.toMatchObject(
      refusal("APP_ANSWERED_500", { http: "not yet", grpc: "Internal Server Error" }),
    );
    expect(await callsOf(query)).toBe(3);
  });
  test("resiliency.retry does not repeat what answers a status that the policy does not name", async () => {
    const query = failing(1, 409);
    await expect(cell().api.invoke("downstream", "flaky", { query })).rejects.toMatchObject(
      refusal("APP_ANSWERED_409", { http: "not yet", grpc: "Conflict" }),
    );
    expect(await callsOf(query)).toBe(1);
  });
  test("resiliency.retry delivers a message again that the app could not take", async () => {
    const data = { fails: crypto.randomUUID() };
    await cell().api.publish("pubsub", "orders", {
      data: JSON.stringify(data),
      contentType: "application/json",
    });
    const deliveries = async (): Promise<readonly unknown[]> => {
      const events = (await cell().appSaw("/on-order")).map(
        ({ body }) => JSON.parse(body) as { readonly id: string; readonly data?: unknown },
      );
      return events.filter((event) => JSON.stringify(event.data) === JSON.stringify(data));
    };
    const both = await eventually(
      async () => {
        const found = await deliveries();
        return found.length >= 2 && found;
      },
      { withinMs: 10_000, what: "the second delivery" },
    );
    expect(both).toHaveLength(2);
    expect(both[1]).toEqual(both[0]);
  });
  test("resiliency.timeout ends a call that takes too long", async () => {
    await expect(post("impatient", "slow")).rejects.toMatchObject(
      bindingRefusal("impatient", "context deadline exceeded"),
    );
  });
  test("resiliency.circuitBreaker keeps calls from a component that goes on failing", async () => {
    const query = failing(5);
    for (const why of ["received status code 500", "received status code 500", open, open])
      await expect(post("fragile", `flaky?${query}`)).rejects.toMatchObject(
        bindingRefusal("fragile", why),
      );
    expect(await callsOf(query)).toBe(2);
    expect((await post("web", "echo")).metadata("statusCode")).toBe("201");
  });
  test("resiliency.circuitBreaker keeps calls from an endpoint that goes on failing", async () => {
    const query = failing(5);
    const invoke = () => cell().api.invoke("fragile-downstream", "flaky", { query });
    const failed = refusal("APP_ANSWERED_500", { http: "not yet", grpc: "Internal Server Error" });
    for (let i = 0; i < 2; i++) await expect(invoke()).rejects.toMatchObject(failed);
    await expect(invoke()).rejects.toMatchObject(
      refusal("INVOKE_FAILED", `failed to invoke, id: fragile-downstream, err: ${open}`),
    );
    expect(await callsOf(query)).toBe(2);
  });
});
const open = "circuit breaker is open";
