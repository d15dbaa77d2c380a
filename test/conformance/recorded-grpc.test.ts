import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMessage, JsonObject, Message } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Rpc, rpcs } from "#core/wire/grpc/rpcs.ts";
import { type Ended, type WireClient, wireClient } from "#test/support/grpc-client.ts";
import { knownGaps } from "#test/support/known-gaps.ts";
import { recordedFolder as folder, recordedResources } from "#test/support/recorded-resources.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";
import { normalised } from "./player.ts";
import { RecordedApp, type Scenario } from "./recorded-app.ts";

interface Recorded {
  readonly name: string;
  readonly method: Rpc;
  readonly request: JsonObject;
  readonly code: keyof typeof status;
  readonly message?: string;
  readonly details?: readonly string[];
  readonly strings?: readonly string[];
  readonly response?: object;
}
const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
const recorded = read<readonly Recorded[]>("grpc.daprd-1.18.json");
const gaps = knownGaps("recorded-grpc.txt");

/** What a real daprd 1.18 answered over gRPC, call by call. */
describe("recorded daprd, gRPC", () => {
  let app: RecordedApp;
  let runtime: SidecarProcess;
  let client: WireClient;
  const ours = new Map<string, object>();

  beforeAll(async () => {
    app = await RecordedApp.listen(read<Scenario>("http.scenario.json"));
    runtime = await sidecar({
      args: [
        "--app-id",
        "app",
        "--app-port",
        String(app.port),
        "--resources-path",
        recordedResources(app.port),
        "--config",
        join(folder, "config.yaml"),
      ],
      env: { FOO: "bar", DENIED: "x" },
    });
    await runtime.healthy();
    client = wireClient(runtime.grpcPort);
    for (const step of recorded)
      ours.set(step.name, shown(step.method, await client.unaryJson(step.method, sent(step))));
  }, 60_000);
  afterAll(async () => {
    client?.[Symbol.dispose]();
    await runtime?.stop();
    await app?.[Symbol.asyncDispose]();
  });

  for (const step of recorded) {
    const reason = gaps.get(step.name);
    if (reason === undefined)
      it(step.name, () => expect(ours.get(step.name)).toEqual(wanted(step)));
    // A listed step that matches is a fault too: the list may only shrink.
    else
      it(`${step.name} (known gap: ${reason})`, () =>
        expect(ours.get(step.name)).not.toEqual(wanted(step)));
  }
  it("has no gap listed that is no step", () => {
    const names = new Set(recorded.map(({ name }) => name));
    expect([...gaps.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});

/** The recording's client let an Any without a value pass; protobuf's JSON wants the type to be known. */
function sent({ request }: Recorded): JsonObject {
  const copy = structuredClone(request) as { message?: { data?: unknown } };
  if (copy.message) delete copy.message.data;
  return copy as JsonObject;
}

function wanted({ code, message, details, strings, response }: Recorded): object {
  return comparable({
    code: status[code],
    message: message ?? "",
    details: details ?? [],
    strings: strings ?? [],
    response,
  });
}
function shown(rpc: Rpc, ended: Ended): object {
  const output = rpcs.get(rpc)?.output as DescMessage;
  return comparable({
    code: ended.code,
    message: ended.message,
    details: ended.details.map(({ type }) => type),
    strings:
      Buffer.from(ended.status)
        .toString("latin1")
        .match(/[ -~]{3,}/g) ?? [],
    response: ended.response ? plain(output, ended.response as Message) : undefined,
  });
}

/** Without what differs from run to run; maps have no order on the wire. */
function comparable(call: {
  readonly code: number;
  readonly message: string;
  readonly details: readonly string[];
  readonly strings: readonly string[];
  readonly response: object | undefined;
}): object {
  const { response, strings, ...rest } = normalised(call);
  const fields = JSON.stringify(response ?? {}, (name, value: unknown) =>
    ["Date", "port", "Connection", "Keep-Alive"].includes(name) ? "<any>" : value,
  );
  return { ...rest, strings: [...strings].sort(), response: JSON.parse(fields) as object };
}

/** A message as the recording's client shows it: every field, bytes as text, enums as numbers. */
function plain(schema: DescMessage, message: Message): object {
  const out: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = (message as unknown as Record<string, unknown>)[field.localName];
    if (value === undefined) continue;
    const one = (each: unknown): unknown =>
      each instanceof Uint8Array
        ? { bytes: Buffer.from(each).toString() }
        : field.message && field.fieldKind !== "map"
          ? plain(field.message, each as Message)
          : each;
    out[field.localName] = Array.isArray(value) ? value.map(one) : one(value);
  }
  return out;
}
