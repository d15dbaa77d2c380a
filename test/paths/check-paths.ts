import fc from "fast-check";
import type { App } from "#core/kernel/app.ts";
import { createHttp } from "#core/wire/http/surface.ts";
import { cleanMethod, decodePath, hasBadEscape, splitTarget } from "#core/util/path.ts";
import { invokeHttp } from "#core/blocks/invoke/http.ts";
import { createInvoke } from "#core/blocks/invoke/operations.ts";
import { compose } from "#core/kernel/operation.ts";
import type { AppChannel, Log, Platform } from "#core/ports/platform.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Pieces that path normalisers have disagreed about, in Dapr and elsewhere. */
const pieces = [
  ..."abcZ09-_~!$&'()*+,;=:@|\"<>^`{}[] ",
  "/",
  "//",
  ".",
  "..",
  "/./",
  "/../",
  "%2e",
  "%2E%2e",
  "%2f",
  "%2F",
  "%5c",
  "\\",
  "%23",
  "#",
  "%3f",
  "%3F",
  "%25",
  "%252e",
  "%252f",
  "%2525",
  "%00",
  "%0d%0a",
  "%7f",
  "%",
  "%zz",
  "%2",
  "%c3%a9",
  "é",
  "%ff",
  "%ed%a0%80",
  "%c0%ae",
  "\u202e",
  "😀",
  ";x=1",
  "method/",
  "/method/",
  "v1.0/invoke/",
  "admin",
  "op1",
] as const;

export interface PathReport {
  readonly checked: number;
  /** How many reached the app. */
  readonly dispatched: number;
  /** How many were refused before anything was judged. */
  readonly refused: number;
}

/** Sends generated paths through the runtime, over both wires; throws for one that is judged as another than the app gets. */
export async function checkPaths(seed: number, count: number): Promise<PathReport> {
  let judged: string | undefined;
  let sent: string | undefined;
  const channel: AppChannel = {
    send: async ({ path }) => {
      sent = path;
      return { status: 200, headers: [] };
    },
  };
  const callee = fakeApp({
    appId: "cart",
    channel,
    connection: { port: 1, protocol: "http", channelAddress: "127.0.0.1" },
    accessControl: {
      refuse: ({ operation }) => {
        judged = operation;
        return undefined;
      },
    },
  });
  const caller = fakeApp({ appId: "shop" });
  const platform = {
    clock: fakeClock(),
    log: silent,
    host: { address: "10.0.0.7", name: "node-7" },
  } as unknown as Platform;
  const invoke = createInvoke({
    platform,
    find: ({ appId }) => (appId === "cart" ? callee : undefined),
  });
  const surface = createHttp(compose([]), [(routes) => invokeHttp(routes, invoke)], silent);
  const overHttp = async (
    target: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> => {
    const request = new Request("http://localhost/", { headers });
    await surface(request, { app: caller, target, rawHeaders: Object.entries(headers).flat() });
  };
  const overGrpc = async (app: App, method: string): Promise<void> => {
    const call = { app, metadata: {}, trace: undefined, signal: new AbortController().signal };
    try {
      await invoke.run(call, { id: "cart", method, verb: "GET", query: "", headers: [] });
    } catch {
      // Refused before anything was sent; `report` counts it.
    }
  };

  const report = { checked: 0, dispatched: 0, refused: 0 };
  const paths = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 12 });
  const ways = fc.constantFrom("path", "header", "grpc");
  for (const [parts, way] of fc.sample(fc.tuple(paths, ways), { seed, numRuns: count })) {
    const path = parts.join("");
    judged = undefined;
    sent = undefined;
    if (way === "grpc") await overGrpc(caller, path);
    else if (way === "path") await overHttp(onWire(`/v1.0/invoke/cart/method/${path}`), {});
    else await overHttp(onWire(`/${path}`), { "dapr-app-id": "cart" });
    report.checked++;
    if (sent === undefined) {
      if (judged !== undefined)
        throw new Error(`${way} ${JSON.stringify(path)} was judged and never sent`);
      report.refused++;
      continue;
    }
    report.dispatched++;
    const target = splitTarget(sent);
    const seen = hasBadEscape(target.path) ? undefined : cleanMethod(decodePath(target.path));
    if (judged === undefined || judged !== seen)
      throw new Error(
        `${way} ${JSON.stringify(path)} was judged as ${JSON.stringify(judged)} and sent as ${JSON.stringify(sent)}, which an app reads as ${JSON.stringify(seen)} (seed ${seed})`,
      );
  }
  return report;
}

/** What a client can put on the wire: everything beyond ASCII, and what would end the line, is encoded. */
function onWire(target: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters in question
  return target.replace(/[^\x21-\x7e]+/g, (run) => encodeURIComponent(run.toWellFormed()));
}
