/**
 * A client in a process of its own, so that its event loop is not that of what is measured. Reads a `LoadPlan` from
 * its first message, sends a `LoadResult` back and ends.
 *
 * It speaks HTTP/1.1 over plain sockets, one call at a time on each: less CPU of its own than a client library.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { LoadPlan, LoadResult, PlannedRequest } from "./load.ts";
import { percentiles } from "./figures.ts";

process.once("message", (given) => {
  void run(given as LoadPlan).then((result) => {
    process.send?.(result, () => process.disconnect());
  });
});

/** Longer than anything that may be measured: what takes this long has failed. */
const answerMs = 30_000;
const headEnd = "\r\n\r\n";

interface Tally {
  readonly times: number[];
  readonly statuses: Map<string, number>;
  /** Calls before this moment warm up, and do not count. */
  readonly from: number;
  readonly until: number;
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const began = performance.now();
  const warmUpMs = (plan.warmUpSeconds ?? 0) * 1000;
  const from = began + warmUpMs;
  const tally: Tally = {
    times: [],
    statuses: new Map(),
    from,
    until: from + plan.seconds * 1000,
  };
  const requests = plan.requests.map(bytesOf);
  const lines = Array.from({ length: plan.connections }, () => openLine(plan));
  await (plan.perSecond === undefined
    ? Promise.all(lines.map((line, i) => closedLoop(line, requests, i, tally)))
    : paced(lines, requests, plan.perSecond, tally));
  for (const line of lines) line.close();
  const counted = tally.times.length;
  return {
    calls: counted,
    perSecond: Math.round(counted / plan.seconds),
    statuses: Object.fromEntries(tally.statuses),
    ...percentiles(tally.times),
  };
}

/** Each connection sends its next call when it has the answer to the one before. */
async function closedLoop(
  line: Line,
  requests: readonly Buffer[],
  first: number,
  tally: Tally,
): Promise<void> {
  for (let i = first; performance.now() < tally.until; i++)
    await call(line, requests[i % requests.length] as Buffer, performance.now(), tally);
}

/** Each call at its own moment, counted from when it was due: waiting for a connection is waiting, too. */
async function paced(
  lines: readonly Line[],
  requests: readonly Buffer[],
  perSecond: number,
  tally: Tally,
): Promise<void> {
  const idle = [...lines];
  const waiting: Array<(line: Line) => void> = [];
  const free = (line: Line): void => {
    const next = waiting.shift();
    if (next) next(line);
    else idle.push(line);
  };
  const began = performance.now();
  const all: Array<Promise<void>> = [];
  for (let i = 0; ; i++) {
    const due = began + (i * 1000) / perSecond;
    if (due >= tally.until) break;
    const wait = due - performance.now();
    if (wait > 0) await delay(wait);
    // A timer is up to a millisecond late by itself, and that is not the server's.
    const since = Math.max(due, performance.now() - 2);
    all.push(
      (async () => {
        const line = idle.pop() ?? (await new Promise<Line>((resolve) => waiting.push(resolve)));
        await call(line, requests[i % requests.length] as Buffer, since, tally);
        free(line);
      })(),
    );
  }
  await Promise.all(all);
}

async function call(line: Line, request: Buffer, since: number, tally: Tally): Promise<void> {
  const status = await line.call(request).catch((reason: unknown) => {
    return `error: ${(reason as { readonly code?: string }).code ?? String(reason)}`;
  });
  // A connection that is refused at once would be asked again at once, for ever.
  if (typeof status === "string") await delay(5);
  if (since < tally.from) return;
  const key = String(status);
  tally.statuses.set(key, (tally.statuses.get(key) ?? 0) + 1);
  tally.times.push(performance.now() - since);
}

/** A connection that is made anew when it has ended. */
interface Line {
  call(request: Buffer): Promise<number>;
  close(): void;
}
interface Waiting {
  readonly resolve: (status: number) => void;
  readonly reject: (reason: Error) => void;
}

function openLine({ host, port, localAddress }: LoadPlan): Line {
  let socket: Socket | undefined;
  let waiting: Waiting | undefined;
  let text = "";
  const fail = (reason: Error): void => {
    socket?.destroy();
    socket = undefined;
    waiting?.reject(reason);
    waiting = undefined;
  };
  const open = (): Socket => {
    text = "";
    const made = connect({ host, port, noDelay: true, ...(localAddress ? { localAddress } : {}) });
    made.setEncoding("latin1");
    made.setTimeout(answerMs, () => waiting && fail(new Error("no answer")));
    made.on("error", (reason) => made === socket && fail(reason));
    made.on("close", () => made === socket && fail(new Error("closed")));
    made.on("data", (chunk: string) => {
      text = text === "" ? chunk : text + chunk;
      const answer = readAnswer(text);
      if (!answer) return;
      const { resolve } = waiting as Waiting;
      waiting = undefined;
      text = "";
      if (answer.closes) {
        socket = undefined;
        made.destroy();
      }
      resolve(answer.status);
    });
    return made;
  };
  return {
    call: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket ??= open();
        socket.write(request);
      }),
    close: () => {
      const ended = socket;
      socket = undefined;
      ended?.destroy();
    },
  };
}

/** `undefined` while it is not all there. Only what Outrigger answers is understood. */
function readAnswer(
  text: string,
): { readonly status: number; readonly closes: boolean } | undefined {
  const end = text.indexOf(headEnd);
  if (end === -1) return undefined;
  const head = text.slice(0, end).toLowerCase();
  const status = Number(head.slice(9, 12));
  const at = head.indexOf("content-length:");
  const length = at === -1 ? 0 : Number.parseInt(head.slice(at + 15), 10);
  const isWhole = head.includes("transfer-encoding: chunked")
    ? text.endsWith(`0${headEnd}`)
    : text.length >= end + headEnd.length + length;
  return isWhole ? { status, closes: head.includes("connection: close") } : undefined;
}

function bytesOf({ method = "GET", path, headers = {}, body = "" }: PlannedRequest): Buffer {
  const content = typeof body === "string" ? body : JSON.stringify("x".repeat(body.jsonBytes));
  const lines = Object.entries({
    host: "runtime",
    ...(content === "" ? {} : { "content-length": String(Buffer.byteLength(content)) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${content}`);
}
