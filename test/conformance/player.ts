import type { RecordedApp, Seen } from "./recorded-app.ts";
import {
  type Outgoing,
  realTime,
  type RecordedResponse,
  sendRecorded,
  type Wait,
} from "./send-recorded.ts";

/** One step of a scenario: a request, several at once, or none. */
export interface Step extends Omit<Outgoing, "path"> {
  readonly name: string;
  readonly path?: string;
  readonly waitMs?: number;
  /** In the place of a request: the app is watched for so long. */
  readonly wait?: number;
  /** In the place of one request: the body is the list of their answers, in this order. */
  readonly parallel?: ReadonlyArray<Outgoing & { readonly afterMs?: number }>;
  /** The app may be called in any order. */
  readonly unordered?: boolean;
  /** The app that sends it, where it is not the one of the scenario. */
  readonly via?: string;
}
export interface Played {
  readonly name: string;
  readonly response: RecordedResponse;
  readonly appSaw: readonly Seen[];
}

const usualWaitMs = 60;

export interface Pace {
  readonly wait?: Wait;
  /** So many times as long as the recording the app is watched, where a step says how long. */
  readonly patience?: number;
  /** The app is watched longer until it has been called so often: a busy machine may be late. */
  readonly calls?: number;
}

/** Sends one step, and waits for the app to be called. */
export async function play(
  step: Step,
  port: number,
  app: RecordedApp,
  { wait = realTime, patience = 1, calls = 0 }: Pace = {},
): Promise<Played> {
  app.take();
  const response = await answerTo(step, port, wait);
  // The recording watched the app for this long; a call that comes later belongs to no step.
  const waitMs = step.wait ?? step.waitMs;
  await wait(waitMs === undefined ? usualWaitMs : waitMs * patience);
  await app.called(calls, wait);
  const seen = app.take();
  const key = ({ method, url, body }: Seen): string => method + url + body;
  const appSaw = step.unordered ? seen.toSorted((a, b) => key(a).localeCompare(key(b))) : seen;
  return normalised({ name: step.name, response, appSaw });
}

async function answerTo(step: Step, port: number, wait: Wait): Promise<RecordedResponse> {
  if (step.parallel) {
    const answers = step.parallel.map(async ({ afterMs = 0, ...each }) => {
      await wait(afterMs);
      return sendRecorded(each, port, wait);
    });
    return { status: 0, headers: {}, body: JSON.stringify(await Promise.all(answers)) };
  }
  if (step.path === undefined) return { status: 0, headers: {}, body: "" };
  const response = await sendRecorded({ ...step, path: step.path }, port, wait);
  if (response.status === 0) throw new Error(`${step.name}: ${response.body}`);
  return response;
}

/** Times, ids and ports differ from run to run. */
export function normalised<T>(value: T): T {
  const text = JSON.stringify(value)
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")
    .replace(/00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]/g, "<traceparent>")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} [A-Z]+( m=[+-][\d.]+)?/g, "<time>")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, "<time>")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:<port>")
    .replace(/localhost:\d+/g, "localhost:<port>");
  return JSON.parse(text) as T;
}

/** A step as it is compared: bodies as JSON where they parse, trace headers and etags by presence. */
export function compared(played: Played): object {
  const { status, headers, body } = played.response;
  const shown = Object.entries(headers).filter(
    ([name]) => !byPresence.has(name) && name !== "traceparent",
  );
  return {
    status,
    headers: Object.fromEntries(shown),
    etag: "etag" in headers,
    body: parsed(body),
    appSaw: played.appSaw.map((seen) => ({ ...seen, body: parsed(seen.body) })),
  };
}
const byPresence: ReadonlySet<string> = new Set([
  "etag",
  "metadata.date",
  "metadata.keep-alive",
  "metadata.connection",
]);

function parsed(text: string): unknown {
  try {
    const value = JSON.parse(text) as {
      enabledFeatures?: string[];
      appConnectionProperties?: { port: number };
    };
    value?.enabledFeatures?.sort();
    if (value?.appConnectionProperties) value.appConnectionProperties.port = 0;
    return value;
  } catch {
    return text;
  }
}
