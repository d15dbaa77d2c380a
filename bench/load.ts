import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import autocannon from "autocannon";
import { pathOf, type Row } from "./rows.ts";

export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
export const connections = 32;
const run = promisify(execFile);

/** `wrk` where it is installed (it costs the least CPU of its own), else autocannon. */
export async function loadGenerator(): Promise<"wrk" | "autocannon"> {
  try {
    await run("wrk", ["-v"]);
    return "wrk";
  } catch (reason) {
    // `wrk -v` prints its version and ends with 1; only a missing file is a no.
    return (reason as NodeJS.ErrnoException).code === "ENOENT" ? "autocannon" : "wrk";
  }
}

/** Sends a row's request for so many seconds; rejects when any answer is outside 2xx. */
export async function load(
  generator: "wrk" | "autocannon",
  base: string,
  row: Row,
  seconds: number,
  signal: AbortSignal,
): Promise<Load> {
  const send = generator === "wrk" ? withWrk : withAutocannon;
  return send(base, row, seconds, signal);
}

async function withWrk(
  base: string,
  row: Row,
  seconds: number,
  signal: AbortSignal,
): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-wrk-"));
  try {
    const script = join(folder, "request.lua");
    const body = row.body === undefined ? "nil" : `[==[${row.body}]==]`;
    await writeFile(
      script,
      `wrk.method = "${row.method}"\nwrk.body = ${body}\nwrk.headers["Content-Type"] = "application/json"\n` +
        Object.entries(row.headers ?? {})
          .map(([name, value]) => `wrk.headers["${name}"] = "${value}"\n`)
          .join("") +
        (row.spread === undefined
          ? ""
          : `local n = 0\nrequest = function() n = (n + 1) % ${row.spread}; return wrk.format(nil, ("${row.path}"):gsub("{n}", n)) end\n`) +
        `done = function(s, l, r) io.write(string.format("RESULT %d %d %f %f %d\\n", s.requests, s.duration, ` +
        `l:percentile(50) / 1000, l:percentile(99) / 1000, s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout)) end\n`,
    );
    const { stdout } = await run(
      "wrk",
      ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, base + pathOf(row, 0)],
      { signal },
    );
    const [requests = 0, micros = 0, p50Ms = 0, p99Ms = 0, errors = 0] =
      /^RESULT (.*)$/m.exec(stdout)?.[1]?.split(" ").map(Number) ?? [];
    if (requests === 0 || errors > 0)
      throw new Error(`${row.name}: ${errors} of ${requests} requests failed`);
    return { requests, requestsPerSecond: requests / (micros / 1e6), p50Ms, p99Ms };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function withAutocannon(
  base: string,
  row: Row,
  seconds: number,
  signal: AbortSignal,
): Promise<Load> {
  const result = await new Promise<autocannon.Result>((done, fail) => {
    let n = 0;
    const instance = autocannon(
      {
        ...(row.spread === undefined
          ? {}
          : { requests: [{ setupRequest: (sent) => ({ ...sent, path: pathOf(row, n++) }) }] }),
        url: base + pathOf(row, 0),
        method: row.method,
        connections,
        duration: seconds,
        headers: { "content-type": "application/json", ...row.headers },
        ...(row.body === undefined ? {} : { body: row.body }),
      },
      (reason: Error | null, ended) => (reason ? fail(reason) : done(ended)),
    );
    signal.addEventListener("abort", () => instance.stop(), { once: true });
  });
  signal.throwIfAborted();
  const requests = result.requests.total;
  const errors = result.non2xx + result.errors + result.timeouts;
  if (requests === 0 || errors > 0)
    throw new Error(`${row.name}: ${errors} of ${requests} requests failed`);
  return {
    requests,
    requestsPerSecond: requests / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}
