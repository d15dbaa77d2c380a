/**
 * node test/hostile/slow-sockets.ts [sockets]: clients that send a byte now and then, beside one that is well.
 * Ends with 1 when the well one suffers, slow headers are not cut off, or memory grows without measure.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { sidecar } from "#test/support/sidecar.ts";

const count = Number(process.argv[2] ?? 2000);
/** Go's limit, and ours, is 10 s; Node looks every few seconds. */
const headerLimitMs = 20_000;
const mostMib = 150;
/** Below this, a doubling is the machine's noise. */
const floorMs = 15;

const runtime = await sidecar({ args: ["--app-id", "slow", "--log-level", "error"] });
await runtime.healthy();
const rss = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${runtime.child.pid}/status`, "utf8"))?.[1]) /
  1024;

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
async function healthyP99(ms: number): Promise<number> {
  const times: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end;) {
    const began = performance.now();
    await new Promise<void>((resolve, reject) => {
      const sent = request(
        { port: runtime.httpPort, host: "127.0.0.1", path: "/v1.0/healthz", agent },
        (answer) => answer.resume().once("end", resolve),
      );
      sent.once("error", reject);
      sent.end();
    });
    times.push(performance.now() - began);
    await delay(2);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] as number;
}

await healthyP99(2000);
const before = await healthyP99(5000);
const rssBefore = rss();

interface Slow {
  readonly socket: Socket;
  readonly inHeaders: boolean;
  readonly began: number;
  closedAfter: number | undefined;
}
const slow: Slow[] = [];
for (let i = 0; i < count; i++) {
  const inHeaders = i % 2 === 0;
  const socket = connect(runtime.httpPort, "127.0.0.1");
  const each: Slow = { socket, inHeaders, began: performance.now(), closedAfter: undefined };
  socket.on("error", () => {});
  socket.on("close", () => (each.closedAfter ??= performance.now() - each.began));
  socket.resume();
  socket.write(
    inHeaders
      ? "GET /v1.0/healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "
      : "POST /v1.0/state/none HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
  );
  slow.push(each);
  if (i % 100 === 99) await delay(10);
}
const drip = setInterval(() => {
  for (const { socket } of slow) if (!socket.destroyed && socket.writable) socket.write("a");
}, 2000);
const during = await healthyP99(8000);
const rssDuring = rss();
await delay(headerLimitMs - 8000);
clearInterval(drip);
const ofHeaders = slow.filter(({ inHeaders }) => inHeaders);
const stayed = ofHeaders.filter(({ closedAfter }) => closedAfter === undefined).length;
const slowest = Math.max(...ofHeaders.map(({ closedAfter }) => closedAfter ?? 0));
for (const { socket } of slow) socket.destroy();
await runtime.stop();

process.stdout.write(
  `${count} slow sockets: healthy p99 ${before.toFixed(1)} -> ${during.toFixed(1)} ms; slow headers closed after at most ` +
    `${(slowest / 1000).toFixed(1)} s, ${stayed} of ${ofHeaders.length} stayed; RSS ${rssBefore.toFixed(0)} -> ${rssDuring.toFixed(0)} MiB\n`,
);
const isFine =
  during <= Math.max(floorMs, 2 * before) && stayed === 0 && rssDuring - rssBefore < mostMib;
process.exit(isFine ? 0 : 1);
