import { create, toBinary } from "@bufbuild/protobuf";
import { ApiError } from "#core/errors/api-error.ts";
import { blocks } from "#core/hosting/blocks.gen.ts";
import { boundGrpcBlocks, fakeServices } from "#test/support/runtime-services.ts";
import { rpcs } from "#core/wire/grpc/rpcs.ts";
import { createGrpc } from "#core/wire/grpc/surface.ts";
import { readHeader } from "#core/blocks/crypto/document/header.ts";
import { parseManifest } from "#core/blocks/crypto/document/manifest.ts";
import { parseKey } from "#core/blocks/crypto/keys/parse-key.ts";
import { createHttp } from "#core/wire/http/surface.ts";
import { compose } from "#core/kernel/operation.ts";
import { toCloudEvent } from "#core/blocks/pubsub/envelope.ts";
import { parseQuery } from "#core/blocks/state/query-text.ts";
import { startSubscriptions } from "#core/blocks/pubsub/consume.ts";
import { deliverTo } from "#core/blocks/pubsub/deliver-to.ts";
import { open as openState } from "#components/in-memory/state-store.ts";
import { fakeApp, recordingChannel } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import fc from "fast-check";
import { bytes, promise, target, type FuzzTarget, texts } from "../target.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const clock = fakeClock();
const host = { clock, log: silent } as never;
const state = await openState(host);
const pubsub = {
  features: [],
  publish: async (_topic: string, messages: readonly unknown[]) => messages.map(() => undefined),
  subscribe: async () => {},
  [Symbol.asyncDispose]: async () => {},
};
const lock = {
  acquire: async () => true,
  release: async () => "released" as const,
  [Symbol.asyncDispose]: async () => {},
};
const components = [
  { kind: "state", name: "s", port: state },
  { kind: "pubsub", name: "p", port: pubsub },
  { kind: "lock", name: "l", port: lock },
  {
    kind: "bindings.output",
    name: "b",
    port: {
      operations: ["create"],
      invoke: async () => undefined,
      [Symbol.asyncDispose]: async () => {},
    },
  },
] as const;
const app = fakeApp({ components, samplingRate: 1 });
const services = fakeServices({ clock, log: silent });
const surface = createHttp(
  compose([]),
  blocks.flatMap(({ http }) => http.map((bind) => (routes) => bind(routes, services))),
  silent,
);
const routes: ReadonlyArray<readonly [string, string, ...string[]]> = [
  [
    "POST",
    "/v1.0/state/s",
    '[{"key":"k","value":{"a":1},"etag":"1","options":{"concurrency":"first-write"}}]',
  ],
  ["POST", "/v1.0/state/s/bulk", '{"keys":["a","b"],"parallelism":3}'],
  [
    "POST",
    "/v1.0/state/s/transaction",
    '{"operations":[{"operation":"upsert","request":{"key":"k","value":1}}],"metadata":{"a":"b"}}',
  ],
  [
    "POST",
    "/v1.0-alpha1/state/s/query",
    '{"filter":{"EQ":{"a":1}},"sort":[{"key":"a"}],"page":{"limit":3}}',
  ],
  ["POST", "/v1.0/publish/p/t", '{"specversion":"1.0","type":"x","source":"y","data":{}}', "plain"],
  [
    "POST",
    "/v1.0/publish/bulk/p/t",
    '[{"entryId":"1","event":{"a":1},"contentType":"application/json"}]',
  ],
  ["POST", "/v1.0/bindings/b", '{"operation":"create","data":{"a":1},"metadata":{"k":"v"}}'],
  ["POST", "/v1.0-alpha1/lock/l", '{"resourceId":"r","lockOwner":"o","expiryInSeconds":5}'],
  [
    "POST",
    "/v1.0-alpha1/conversation/c/converse",
    '{"inputs":[{"content":"x","role":"user","scrubPII":true}],"temperature":0.5}',
  ],
  [
    "POST",
    "/v1.0-alpha2/conversation/c/converse",
    '{"inputs":[{"messages":[{"ofUser":{"content":[{"text":"x"}]}}]}],"tools":[{"function":{"name":"f"}}]}',
  ],
  ["PUT", "/v1.0/metadata/k", "value"],
];
const heads = [
  "application/json",
  "application/cloudevents+json",
  "text/plain",
  "application/octet-stream",
  "x",
  "",
];
const header = fc.constantFrom(...heads);

const surfaceOfRpcs = createGrpc(compose([]), boundGrpcBlocks, silent);
const unary = [...rpcs.values()].filter(({ kind }) => kind === "unary");
const caller = {
  app,
  signal: new AbortController().signal,
  header: () => undefined,
  headers: () => [],
  setHeader: () => {},
};

const answers = [
  '{"status":"SUCCESS"}',
  '{"statuses":[{"entryId":"1","status":"RETRY"}]}',
  "[]",
  "",
];
let nextAnswer: { readonly status: number; readonly body: string } = { status: 200, body: "" };
const channel = recordingChannel(() => nextAnswer);
const listening = fakeApp({ components, channel });
async function subscribed(bulk: boolean) {
  const consumption = await startSubscriptions(
    listening,
    [
      {
        name: "s",
        pubsubname: "p",
        topic: "t",
        routes: { rules: [{ match: 'event.type == "x"', path: "/x" }], default: "/y" },
        metadata: {},
        ...(bulk ? { bulkSubscribe: { enabled: true, maxMessagesCount: 1 } } : {}),
      },
    ],
    { clock, log: silent, programmatic: false },
    { signal: new AbortController().signal },
  );
  return { ...listening, subscriptions: consumption.views };
}
const single = await subscribed(false);

const pem =
  "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\nq9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n";
const manifest = '{"k":"key","kw":5,"wfk":"aGVsbG8=","cph":1,"np":"AAAAAAAAAA=="}';

export const wireTargets: readonly FuzzTarget[] = [
  target({
    name: "http-requests",
    inputs: fc
      .constantFrom(...routes)
      .chain(([method, path, ...corpus]) =>
        fc.tuple(fc.constant(method), fc.constant(path), texts(...corpus), header),
      ),
    run: async ([method, path, body, type]) => {
      const sent = new TextEncoder().encode(body);
      const headers = { "content-type": type, "content-length": String(sent.length) };
      const request = new Request("http://localhost/", { method, headers, body: sent });
      const answer = await surface(request, {
        app,
        target: path,
        rawHeaders: Object.entries(headers).flat(),
      });
      const text = await answer.text();
      promise(
        answer.status !== 500 || !text.includes('"errorCode":"ERROR"'),
        `an answer of the catalogue, not ${text}`,
      );
    },
  }),
  target({
    name: "http-targets",
    inputs: fc.tuple(
      fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"),
      texts(
        "/v1.0/state/s/k?metadata.a=b&consistency=strong",
        "/v1.0/invoke/a/method/b",
        "/v1.0/publish/p/t?metadata.ttlInSeconds=1",
      ),
    ),
    run: async ([method, path]) => {
      // oxlint-disable-next-line no-control-regex -- what no client can send
      const target = `/${path}`.replace(/[\u0000-\u0020\u007f-\uffff]/g, "");
      const answer = await surface(new Request("http://localhost/", { method }), {
        app,
        target,
        rawHeaders: [],
      });
      const text = await answer.text();
      promise(
        answer.status !== 500 || !text.includes('"errorCode":"ERROR"'),
        `an answer of the catalogue, not ${text}`,
      );
    },
  }),
  target({
    name: "grpc-requests",
    inputs: fc
      .constantFrom(...unary)
      .chain((rpc) =>
        fc.tuple(
          fc.constant(rpc.path),
          bytes(toBinary(rpc.input, create(rpc.input)), "\u0012\u0001s\u001a\u0001k"),
        ),
      ),
    run: async ([path, request]) => {
      const method = surfaceOfRpcs.methods.get(path);
      if (method?.kind === "unary") await method.call(request, caller);
    },
    allows: (reason) => ApiError.is(reason) && reason.code !== "ERROR",
  }),
  target({
    name: "cloud-events",
    inputs: fc.tuple(
      texts(
        '{"specversion":"1.0","type":"x","source":"y","id":"1","data":{"a":1},"traceparent":1,"time":"z"}',
        "plain",
        "[1]",
      ),
      fc.constantFrom(
        "application/cloudevents+json",
        "application/json",
        "text/plain",
        "application/octet-stream",
      ),
    ),
    run: ([data, type]) => {
      const text = toCloudEvent(data, type, {
        appId: "a",
        pubsub: "p",
        topic: "t",
        now: Date.UTC(2026, 0, 1),
        trace: undefined,
        metadata: { "cloudevent.type": "z", ttlInSeconds: "5" },
        features: [],
      });
      const event = JSON.parse(text) as Record<string, unknown>;
      promise(
        typeof event["id"] === "string" || type.includes("cloudevents"),
        "an event has an id",
      );
    },
    allows: (reason) => reason instanceof Error,
  }),
  target({
    name: "deliveries",
    inputs: fc.tuple(
      texts(
        '{"specversion":"1.0","type":"x","data":{"a":1},"expiration":"2020-01-01T00:00:00Z","traceid":5}',
        '"x"',
      ),
      texts(...answers),
      fc.constantFrom(200, 204, 404, 500),
    ),
    run: async ([data, body, status]) => {
      nextAnswer = { status, body };
      const acks = await deliverTo(
        single,
        { component: "p", topic: "t" },
        [{ data, metadata: {} }],
        {
          signal: new AbortController().signal,
        },
      );
      promise(
        acks.length === 1 && ["done", "retry", "drop"].includes(acks[0] as string),
        "one verdict",
      );
    },
  }),
  target({
    name: "state-queries",
    inputs: texts(
      '{"filter":{"AND":[{"EQ":{"a":1}},{"IN":{"b":["x"]}}]},"sort":[{"key":"a","order":"DESC"}],"page":{"limit":2,"token":"3"}}',
    ),
    run: (text) => void parseQuery(text),
    allows: (reason) =>
      reason instanceof Error && !(reason instanceof TypeError) && !(reason instanceof RangeError),
  }),
  target({
    name: "crypto-envelopes",
    inputs: bytes(`dapr.io/enc/v1\n${manifest}\naGVsbG8=\n`, `dapr.io/enc/v1\n${manifest}\n`),
    run: async (document) => {
      await readHeader(
        (async function* () {
          for (let at = 0; at < document.length; at += 7) yield document.subarray(at, at + 7);
        })(),
      );
    },
    allows: (reason) =>
      reason instanceof Error && !(reason instanceof TypeError) && !(reason instanceof RangeError),
  }),
  target({
    name: "crypto-manifests",
    inputs: texts(manifest),
    run: (text) => void parseManifest(text),
    allows: (reason) =>
      reason instanceof Error && !(reason instanceof TypeError) && !(reason instanceof RangeError),
  }),
  target({
    name: "keys",
    inputs: bytes(pem, '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', '{"kty":"oct","k":"AAAA"}'),
    run: (raw) => parseKey(raw),
    allows: (reason) =>
      reason instanceof Error && !(reason instanceof TypeError) && !(reason instanceof RangeError),
  }),
];
