import { describe, expect, it } from "vitest";
import { open } from "#components/in-memory/state-store.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { api, type ApiAnswer, type ApiRequest } from "../../api.ts";

function stateApi(
  port: StateStore = open(fakeClock()),
  maxBodyBytes = 1000,
): (path: string, request?: ApiRequest) => Promise<ApiAnswer> {
  const app = fakeApp({
    maxBodyBytes,
    components: [{ kind: "state", name: "mem", port, keyPrefix: "app||" }],
  });
  return api(app, [stateHttp]);
}
const base = "/v1.0/state/mem";
const post = (body: unknown): ApiRequest => ({ method: "POST", body });

describe("state.get", () => {
  it("answers 204 for what is not there, and gives back what was saved byte for byte", async () => {
    const call = stateApi();
    expect((await call(`${base}/a`)).status).toBe(204);
    await call(base, post('[{"key":"a","value":{"n":12345678901234567890,"f":1.5}}]'));
    const answer = await call(`${base}/a`);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('{"n":12345678901234567890,"f":1.5}');
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("etag")).toMatch(/^[0-9a-f-]{36}$/);
  });
  it("reads a plus sign in a key as a space, and %2B as a plus", async () => {
    const call = stateApi();
    await call(
      base,
      post([
        { key: "a b", value: 1 },
        { key: "a+b", value: 2 },
      ]),
    );
    expect((await call(`${base}/a+b`)).text).toBe("1");
    expect((await call(`${base}/a%2Bb`)).text).toBe("2");
  });
  it("refuses a bad escape with 400 in plain text", async () => {
    const answer = await stateApi()(`${base}/a%zz`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toContain("text/plain");
  });
  it("reports a failing store as 500 ERR_STATE_GET", async () => {
    const broken: StateStore = {
      ...open(fakeClock()),
      read: () => Promise.reject(new Error("disk on fire")),
    };
    const answer = await stateApi(broken)(`${base}/a`);
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      errorCode: "ERR_STATE_GET",
      message: "fail to get a from state store mem: disk on fire",
    });
  });
  it("does not know the store of another app, and says so as for one that does not exist", async () => {
    const call = stateApi();
    const answer = await call("/v1.0/state/other/a");
    expect(answer.status).toBe(400);
    expect(answer.json["errorCode"]).toBe("ERR_STATE_STORE_NOT_FOUND");
  });
  it("says that nothing is configured when the app has no store at all", async () => {
    const answer = await api(fakeApp(), [stateHttp])(`${base}/a`);
    expect(answer.status).toBe(500);
    expect(answer.json["errorCode"]).toBe("ERR_STATE_STORE_NOT_CONFIGURED");
  });
});

describe("state.save", () => {
  it.each([
    ["", 400, "EOF"],
    ["{", 400, "unexpected EOF"],
    ['{"key":"a"}', 400, "json: cannot unmarshal object into Go value of type []state.SetRequest"],
    [
      '[{"key":"a","etag":5}]',
      400,
      "json: cannot unmarshal number into Go struct field SetRequest.etag of type string",
    ],
    [
      '[{"key":5}]',
      400,
      "json: cannot unmarshal number into Go struct field SetRequest.key of type string",
    ],
    ['[{"value":1}]', 400, '"key" is a required field'],
    [`[{"key":"a","value":"${"x".repeat(1000)}"}]`, 400, "stream too large"],
  ])("answers %j with %i: %s", async (body, status, message) => {
    const answer = await stateApi()(base, post(body));
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ errorCode: "ERR_MALFORMED_REQUEST", message });
  });
  it.each([
    ["that never closes", "[".repeat(100_000)],
    ["in a value", `[{"key":"a","value":${"[".repeat(100_000)}${"]".repeat(100_000)}}]`],
  ])("refuses nesting %s with 400", async (_, body) => {
    const answer = await stateApi(undefined, 1_000_000)(base, post(body));
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      errorCode: "ERR_MALFORMED_REQUEST",
      message: "exceeded max depth",
    });
  });
  it("lets the URL's metadata win over an item's own", async () => {
    const call = stateApi();
    await call(
      `${base}?metadata.ttlInSeconds=50`,
      post([{ key: "a", value: 1, metadata: { ttlInSeconds: "-1" } }]),
    );
    expect((await call(`${base}/a`)).headers.get("metadata.ttlexpiretime")).toMatch(/Z$/);
  });
  it("of many writers with the same etag exactly one wins, the others get 409", async () => {
    const call = stateApi();
    await call(base, post([{ key: "n", value: 0 }]));
    const etag = (await call(`${base}/n`)).headers.get("etag");
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        call(base, post([{ key: "n", value: i, etag, options: { concurrency: "first-write" } }])),
      ),
    );
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  });
  it("keeps prototype names as ordinary keys and values", async () => {
    const call = stateApi();
    await call(base, post('[{"key":"__proto__","value":{"__proto__":{"x":1},"constructor":2}}]'));
    expect((await call(`${base}/__proto__`)).text).toBe('{"__proto__":{"x":1},"constructor":2}');
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});

describe("state.bulk_get", () => {
  it("keeps the order, and shows missing keys by name only", async () => {
    const call = stateApi();
    await call(base, post([{ key: "a", value: 1 }]));
    const answer = await call(`${base}/bulk`, post({ keys: ["x", "a"] }));
    expect(JSON.parse(answer.text)).toEqual([
      { key: "x" },
      { key: "a", data: 1, etag: expect.any(String) },
    ]);
  });
  it("shows the failure of one key beside the values of the others", async () => {
    const store = open(fakeClock());
    const moody: StateStore = {
      ...store,
      read: async (reads, options) => {
        if (reads.some(({ key }) => key === "app||bad")) throw new Error("cannot read bad");
        return store.read(reads, options);
      },
    };
    const call = stateApi(moody);
    await call(base, post([{ key: "good", value: 1 }]));
    const answer = await call(`${base}/bulk`, post({ keys: ["good", "bad"] }));
    expect(JSON.parse(answer.text)).toEqual([
      { key: "good", data: 1, etag: expect.any(String) },
      { key: "bad", error: "cannot read bad" },
    ]);
  });
});

describe("state.transaction", () => {
  it("applies all or nothing", async () => {
    const call = stateApi();
    await call(base, post([{ key: "a", value: 1 }]));
    const refused = await call(
      `${base}/transaction`,
      post({
        operations: [
          { operation: "upsert", request: { key: "b", value: 2 } },
          { operation: "upsert", request: { key: "a", value: 3, etag: "stale" } },
        ],
      }),
    );
    expect(refused.status).toBe(500);
    expect(refused.json["errorCode"]).toBe("ERR_STATE_TRANSACTION");
    expect((await call(`${base}/b`)).status).toBe(204);
    expect((await call(`${base}/a`)).text).toBe("1");
  });
  it("is refused with help by a store without transactions", async () => {
    const { transact: _, ...plain } = open(fakeClock());
    const answer = await stateApi(plain)(`${base}/transaction`, post({ operations: [] }));
    expect(answer.status).toBe(500);
    expect(answer.json["errorCode"]).toBe("ERR_STATE_STORE_NOT_SUPPORTED");
  });
  it("is refused when it is larger than the store takes", async () => {
    const small: StateStore = { ...open(fakeClock()), maxTransactionOperations: async () => 1 };
    const operations = ["a", "b"].map((key) => ({
      operation: "upsert",
      request: { key, value: 1 },
    }));
    const answer = await stateApi(small)(`${base}/transaction`, post({ operations }));
    expect(answer.status).toBe(400);
    expect(answer.json["errorCode"]).toBe("ERR_STATE_STORE_TOO_MANY_TRANSACTIONS");
  });
});
