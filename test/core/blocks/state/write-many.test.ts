import { describe, expect, it } from "vitest";
import { open } from "#components/in-memory/state-store.ts";
import { ComponentError, type FailureKind } from "#core/errors/component-error.ts";
import type { StateOp, StateStore } from "#core/ports/state-store.ts";
import { stateHttp } from "#core/blocks/state/http.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { api, type ApiRequest } from "../../api.ts";
import { grpcClient } from "../../grpc-call.ts";

const post = (body: unknown): ApiRequest => ({ method: "POST", body });

/** A store that takes several writes at once, and keeps what it was asked for. */
function storeWithMany(fail?: { readonly kind: FailureKind; readonly message: string }) {
  const asked: Array<readonly StateOp[]> = [];
  const port: StateStore = {
    ...open(fakeClock()),
    write: async (op) => void asked.push([op]),
    writeMany: async (ops) => {
      asked.push(ops);
      if (fail) throw new ComponentError(fail.kind, fail.message);
    },
  };
  const app = fakeApp({ components: [{ kind: "state", name: "mem", port, keyPrefix: "app||" }] });
  return { asked, call: api(app, [stateHttp]), grpc: grpcClient(app) };
}

describe("a store that takes several writes in one call", () => {
  it("gets them so, and a single one as ever", async () => {
    const { asked, call } = storeWithMany();
    await call("/v1.0/state/mem", post([{ key: "a", value: 1 }]));
    await call(
      "/v1.0/state/mem",
      post([
        { key: "a", value: 1 },
        { key: "b", value: 2, etag: "7" },
      ]),
    );
    expect(asked.map((ops) => ops.map(({ key }) => key))).toEqual([
      ["app||a"],
      ["app||a", "app||b"],
    ]);
    expect(asked[1]?.[1]).toMatchObject({ op: "put", value: "2", etag: "7" });
  });
  it.each([
    ["etag-mismatch", 409, "possible etag mismatch. error from state store: why"],
    ["etag-invalid", 400, "invalid etag value: why"],
    ["unavailable", 500, "why"],
  ] as const)("fails as a whole with %s", async (kind, status, text) => {
    const { call } = storeWithMany({ kind, message: "why" });
    const body = [{ key: "a" }, { key: "b" }].map((item) => ({ ...item, value: 1 }));
    const answer = await call("/v1.0/state/mem", post(body));
    expect(answer.status).toBe(status);
    expect(answer.json["message"]).toBe(`failed saving state in state store mem: ${text}`);
  });
  it("refuses an unknown option before it is asked", async () => {
    const { asked, call } = storeWithMany();
    const body = [
      { key: "a", value: 1 },
      { key: "b", value: 1, options: { concurrency: "odd" } },
    ];
    const answer = await call("/v1.0/state/mem", post(body));
    expect(answer.status).toBe(500);
    expect(asked).toEqual([]);
  });
  it("deletes several at once", async () => {
    const { asked, grpc } = storeWithMany();
    const states = [{ key: "a" }, { key: "b" }];
    await grpc.unary("DeleteBulkState", { storeName: "mem", states });
    expect(asked).toMatchObject([
      [
        { op: "delete", key: "app||a" },
        { op: "delete", key: "app||b" },
      ],
    ]);
    const failing = storeWithMany({ kind: "rejected", message: "why" });
    await expect(
      failing.grpc.unary("DeleteBulkState", { storeName: "mem", states }),
    ).rejects.toThrow("failed deleting state in state store mem: why");
  });
});
