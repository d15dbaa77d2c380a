import { describe, expect, it } from "vitest";
import { open } from "#components/in-memory/state-store.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { StateQuery, StateQueryResult, StateStore } from "#core/ports/state-store.ts";
import { stateGrpc } from "#core/blocks/state/grpc.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { parseQuery } from "#core/blocks/state/query-text.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { api, type ApiAnswer } from "../../api.ts";
import { grpcClient } from "../../grpc-call.ts";

const path = "/v1.0-alpha1/state/mem/query";

/** A store that gives its answers out one by one, and keeps what it was asked. */
function queryable(...answers: ReadonlyArray<StateQueryResult | Error>): {
  readonly port: StateStore;
  readonly asked: StateQuery[];
} {
  const asked: StateQuery[] = [];
  return {
    asked,
    port: {
      ...open(fakeClock()),
      query: async (query) => {
        asked.push(query);
        const answer = answers[asked.length - 1] ?? { results: [] };
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
  };
}
function appWith(port: StateStore, keyPrefix = "app||") {
  return fakeApp({ components: [{ kind: "state", name: "mem", port, keyPrefix }] });
}
function ask(port: StateStore, body: unknown, keyPrefix?: string): Promise<ApiAnswer> {
  return api(appWith(port, keyPrefix), [stateHttp])(`${path}?metadata.queryIndexName=i`, {
    method: "POST",
    body,
  });
}

describe("state.query", () => {
  it("asks the store what the caller asked, and gives back its own keys without prefix", async () => {
    const { port, asked } = queryable({
      results: [
        { key: "app||a", value: '{"n":12345678901234567890}', etag: "3" },
        { key: "other||a", value: "2", etag: "1" },
        { key: "app||Type||id||key", value: "3" },
        { key: "app||text", value: new TextEncoder().encode("no json") },
        { key: "app||bad", value: "", error: "cannot read" },
      ],
      token: "5",
      metadata: { took: "1ms" },
    });
    const filter = { AND: [{ EQ: { a: 1 } }, { IN: { "b.c": ["x", "y"] } }] };
    const answer = await ask(port, {
      filter,
      sort: [{ key: "a", order: "DESC" }, { key: "b" }],
      page: { limit: 2, token: "1" },
    });
    expect(answer.status).toBe(200);
    expect(answer.text.trim()).toBe(
      '{"results":[{"key":"a","data":{"n":12345678901234567890},"etag":"3"},' +
        '{"key":"text","data":"no json"},{"key":"bad","data":null,"error":"cannot read"}],' +
        '"token":"5","metadata":{"took":"1ms"}}',
    );
    expect(asked).toEqual([
      {
        filter,
        sort: [
          { key: "a", order: "DESC" },
          { key: "b", order: "ASC" },
        ],
        page: { limit: 2, token: "1" },
        metadata: { queryIndexName: "i" },
      },
    ]);
  });
  it("answers 204 where nothing matches", async () => {
    const { port, asked } = queryable({ results: [] });
    expect((await ask(port, "{}")).status).toBe(204);
    expect(asked).toEqual([{ sort: [], page: {}, metadata: { queryIndexName: "i" } }]);
  });
  it("goes on where a page holds other apps' values only, and ends where the store does", async () => {
    const foreign = [{ key: "other||a", value: "1" }];
    const { port, asked } = queryable(
      { results: foreign, token: "1" },
      { results: foreign, token: "2" },
      { results: [{ key: "app||b", value: "2" }], token: "3" },
    );
    const answer = await ask(port, { page: { limit: 1 } });
    expect(answer.json).toEqual({ results: [{ key: "b", data: 2 }], token: "3" });
    expect(asked.map(({ page }) => page.token)).toEqual([undefined, "1", "2"]);
    const endless = queryable({ results: foreign, token: "1" }, { results: foreign, token: "1" });
    expect((await ask(endless.port, {})).status).toBe(204);
    expect(endless.asked).toHaveLength(2);
  });
  it("leaves out other apps' keys also where the app's own have no prefix", async () => {
    const { port } = queryable({
      results: [
        { key: "plain", value: "1" },
        { key: "app||k", value: "2" },
      ],
    });
    expect((await ask(port, {}, "")).json["results"]).toEqual([{ key: "plain", data: 1 }]);
  });
  it("reports a store that cannot, and one that fails", async () => {
    const cannot = await ask(open(fakeClock()), "not even looked at");
    expect(cannot.status).toBe(500);
    expect(cannot.json["errorCode"]).toBe("ERR_STATE_STORE_NOT_SUPPORTED");
    const { port } = queryable(new ComponentError("rejected", "query index not found"));
    const failed = await ask(port, {});
    expect(failed.status).toBe(500);
    expect(failed.json).toEqual({
      errorCode: "ERR_STATE_QUERY",
      message: "state store mem query failed: query index not found",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ResourceInfo",
          resource_type: "state",
          resource_name: "mem",
          owner: "",
          description: "",
        },
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          domain: "dapr.io",
          reason: "DAPR_STATE_QUERY_FAILED",
          metadata: null,
        },
      ],
    });
  });
  it("is the same over gRPC", async () => {
    const { port, asked } = queryable({
      results: [{ key: "app||a", value: "1", etag: "3" }],
      token: "t",
    });
    const client = grpcClient(appWith(port), {}, [stateGrpc]);
    const answer = await client.unary("QueryStateAlpha1", {
      storeName: "mem",
      query: '{"filter":{"EQ":{"a":1}}}',
    });
    expect(answer.results).toMatchObject([{ key: "a", etag: "3", error: "" }]);
    expect(answer.results[0].data).toEqual(new TextEncoder().encode("1"));
    expect(answer.token).toBe("t");
    expect(asked[0]?.filter).toEqual({ EQ: { a: 1 } });
  });
});

describe("parseQuery", () => {
  it.each<[string, unknown]>([
    ["{}", { sort: [], page: {} }],
    ["null", { sort: [], page: {} }],
    ['{"filter":null,"sort":null,"page":null}', { sort: [], page: {} }],
    ['{"filter":{},"page":{"limit":0,"token":""}}', { sort: [], page: {} }],
    ['{"page":{"limit":-1,"token":"x"}}', { sort: [], page: { token: "x" } }],
    ['{"sort":[{"key":"a","order":"desc"}]}', { sort: [{ key: "a", order: "ASC" }], page: {} }],
  ])("reads %s", (text, query) => {
    expect(parseQuery(text)).toEqual(query);
  });
  it.each([
    ["", "unexpected end of JSON input"],
    ['{"filter":', "unexpected end of JSON input"],
    ["[]", "json: cannot unmarshal array into Go value of type query.QueryFields"],
    [
      '{"filter":[]}',
      "json: cannot unmarshal array into Go struct field QueryFields.filter of type map[string]interface {}",
    ],
    ['{"filter":{"EQ":{"a":1},"NEQ":{"a":2}}}', "filter unit must have a single element"],
    ['{"filter":{"LIKE":{"a":1}}}', 'unsupported filter "LIKE"'],
    ['{"filter":{"EQ":1}}', "EQ filter must be a map"],
    ['{"filter":{"GT":{}}}', "GT filter must contain a single key/value pair"],
    ['{"filter":{"IN":{"a":1}}}', "IN filter value must be an array"],
    ['{"filter":{"AND":{}}}', "AND filter must be an array"],
    ['{"filter":{"OR":[{"EQ":{"a":1}}]}}', "OR filter must contain at least two entries"],
    ['{"filter":{"OR":[1,2]}}', "filter unit must be a map"],
    [
      '{"sort":{}}',
      "json: cannot unmarshal object into Go struct field QueryFields.sort of type []query.Sorting",
    ],
    [
      '{"sort":[{"key":1}]}',
      "json: cannot unmarshal number into Go struct field Sorting.sort.key of type string",
    ],
    [
      '{"page":{"limit":"1"}}',
      "json: cannot unmarshal string into Go struct field Pagination.page.limit of type int",
    ],
    [
      '{"page":{"limit":1.5}}',
      "json: cannot unmarshal number into Go struct field Pagination.page.limit of type int",
    ],
  ])("refuses %s", (text, why) => {
    expect(() => parseQuery(text)).toThrow(why);
  });
  it("answers nesting that nobody means with an error, not with a crash", async () => {
    const deep = `{"filter":${'{"AND":['.repeat(50_000)}${"]}".repeat(50_000)}}`;
    const app = fakeApp({
      maxBodyBytes: 10_000_000,
      components: [{ kind: "state", name: "mem", port: queryable().port, keyPrefix: "app||" }],
    });
    const answer = await api(app, [stateHttp])(path, { method: "POST", body: deep });
    expect(answer.status).toBe(500);
    expect(answer.json["errorCode"]).toBe("ERR_STATE_QUERY");
  });
});
