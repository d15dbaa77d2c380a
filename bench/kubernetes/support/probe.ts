/**
 * Loaded into every process that is measured (`NODE_OPTIONS=--import=…`): whoever connects to its socket is told what
 * is left after a collection.
 */
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface Left {
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** Handles and requests that keep the process alive, by their kind. */
  readonly resources: Readonly<Record<string, number>>;
}

const folder = process.env["MEASURE_PROBE_FOLDER"];
const collect = (globalThis as { readonly gc?: () => void }).gc;
// The launcher replaces itself by a process with flags; only that one can collect.
if (folder !== undefined && collect) {
  const server = createServer((socket) => {
    void left(collect).then((answer) => socket.end(JSON.stringify(answer)));
  });
  server.on("error", () => {});
  server.listen(join(folder, `${process.pid}.sock`)).unref();
}

async function left(gc: () => void): Promise<Left> {
  // What finalizers let go of is collected only by the next.
  for (let i = 0; i < 3; i++) {
    gc();
    await delay(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heapBytes: heapUsed, externalBytes: external, resources };
}
