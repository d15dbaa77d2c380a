import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { forgetPeak, peakRssBytes, rssBytes } from "./process.ts";
import { type Life, startRuntime } from "./runtime.ts";

export const streamRow = "invoke.http.stream";

export interface StreamResult {
  readonly bytes: number;
  readonly seconds: number;
  /** How far the runtime's memory rose above what it was before the body, at most. */
  readonly rssGrowthBytes: number;
}
const bytes = 100 * 1024 * 1024;

/** One body of 100 MiB and unknown length through an invocation, as fast as it goes. */
export async function measureStream(appPort: number, life: Life): Promise<StreamResult> {
  const args = ["--max-body-size", "200Mi"];
  const { base, pids, stop } = await startRuntime({ appPort, resources: [], args }, life);
  const send = async (size: number): Promise<void> => {
    const sent = request(`${base}/v1.0/invoke/bench/method/sink`, { method: "POST" });
    const answer = new Promise<string>((resolve, reject) => {
      sent.once("error", reject);
      sent.once("response", (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve(text));
      });
    });
    await pipeline(Readable.from(chunks(size)), sent, { signal: life.signal });
    if (Number(await answer) !== size)
      throw new Error(`${streamRow}: the app got ${await answer} bytes of ${size}`);
  };
  // What is only made once (connections, compiled code) is not a growth of this body.
  await send(1024 * 1024);
  const before = rssBytes(pids);
  forgetPeak(pids);
  const start = performance.now();
  await send(bytes);
  const seconds = (performance.now() - start) / 1000;
  const rssGrowthBytes = Math.max(0, peakRssBytes(pids) - before);
  await stop();
  return { bytes, seconds, rssGrowthBytes };
}

function* chunks(size: number): Generator<Buffer> {
  const chunk = Buffer.alloc(65_536, 65);
  for (let left = size; left > 0; left -= chunk.length) yield chunk.subarray(0, left);
}
