import { rssBytes } from "../process.ts";
import type { Life } from "../runtime.ts";
import { createCaller } from "./caller.ts";
import { createPod } from "./pod.ts";
import type { Place } from "./place.ts";
import { createRandom } from "./random.ts";

export interface IdleResult {
  readonly actors: number;
  readonly seconds: number;
  readonly mib: number;
  readonly bytesPerActor: number;
  readonly faults: readonly string[];
}

const mostMiBPer100k = 100;
const workers = 64;
/** Until the runtime has given back what load has left (targets/node/memory/idle-gc.ts). */
const restMs = 25_000;
const mib = 1024 * 1024;

/** What actors that are active and idle take of their runtime. */
export async function measureIdleActors(
  options: {
    readonly place: Place;
    readonly actors: number;
    readonly program?: string | undefined;
  },
  life: Life,
): Promise<IdleResult> {
  const { place, actors, program } = options;
  const type = `Idle-${place.run}`;
  const app = () => ({ types: [type], invoke: async () => "" });
  const pod = await createPod({ place, appId: `idle-${place.run}`, program, app }, life);
  await pod.start();
  await using caller = createCaller([pod.daprPort], createRandom(1), { retries: 3 });
  const call = async (id: number): Promise<void> => {
    const path = `/v1.0/actors/${type}/actor-${id}/method/touch`;
    const { body, failure } = await caller.call({ method: "PUT", path });
    if (body === undefined) throw new Error(failure);
  };
  const run = async (count: number, idOf: (i: number) => number): Promise<void> => {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count && !life.signal.aborted) await call(idOf(next++));
    };
    await Promise.all(Array.from({ length: workers }, worker));
  };
  const rest = (): Promise<void> => new Promise((done) => setTimeout(done, restMs));
  // The same load as below, of a few actors: what it leaves is not the actors'.
  await run(Math.min(actors, 20_000), (i) => i % 100);
  await rest();
  const before = rssBytes([pod.pid]);
  const began = performance.now();
  await run(actors, (i) => i);
  const seconds = Math.round((performance.now() - began) / 1000);
  await rest();
  const grown = rssBytes([pod.pid]) - before;
  await pod.kill();
  const most = (mostMiBPer100k * mib * actors) / 100_000;
  return {
    actors,
    seconds,
    mib: Math.round((grown / mib) * 10) / 10,
    bytesPerActor: Math.round(grown / actors),
    faults: grown > most ? [`${actors} idle actors take ${Math.round(grown / mib)} MiB`] : [],
  };
}
