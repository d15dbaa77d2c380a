import { manifests } from "#components/_registry/node.gen.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { Manifest } from "#core/ports/manifest.ts";
import { driverOf } from "#targets/cli/coordination-flags.ts";
import { nodePlatform } from "#targets/node/platform.ts";
import { rssBytes } from "../process.ts";
import type { Life } from "../runtime.ts";
import { type Distribution, distributionOf } from "./percentiles.ts";
import type { Place } from "./place.ts";

export interface DueTimesResult {
  readonly entries: number;
  readonly putsPerSecond: number;
  /** Of claims that find nothing due, and of claims of 1 and 32 entries; all of them look at 16 queues. */
  readonly emptyClaimMs: Distribution;
  readonly claimOf1Ms: Distribution;
  readonly claimOf32Ms: Distribution;
  /** The median of the last, by that of the same claims where only 1024 entries wait. */
  readonly ratio: number;
  /** By which the claims have grown the process. */
  readonly claimsMiB: number;
  readonly faults: readonly string[];
}

const queues = Array.from({ length: 16 }, (_, i) => `queue ${i}`);
const start = Date.UTC(2030, 0, 1);
const rounds = 300;
const few = 1024;
const mostClaimMs = 5;
const mostMiB = 32;

/** Claims from a store in which so many entries wait. */
export async function measureDueTimes(
  { place, entries }: { readonly place: Place; readonly entries: number },
  life: Life,
): Promise<DueTimesResult> {
  const silent = (): void => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const { type, metadata } = driverOf(place.coordination, "--coordination");
  const [manifest] = createRegistry(manifests, "node").find(type, "v1");
  const spec = { name: "due", namespace: "", metadata: { ...metadata, group: place.run } };
  const open = (manifest as Manifest<"coordination">).open;
  const store: Coordination = await open(spec, nodePlatform(log, {}));
  life.after.defer(() => store[Symbol.asyncDispose]());
  const { dueTimes } = store;
  const { signal } = life;

  const put = async (from: number, to: number): Promise<void> => {
    for (let first = from; first < to; first += 1024) {
      const some = Array.from({ length: Math.min(1024, to - first) }, (_, i) => first + i);
      await Promise.all(some.map((i) => dueTimes.put(entryOf(i, entries), false, { signal })));
    }
  };
  const measure = async (limit: number, now: number): Promise<Distribution> => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = performance.now();
      const found = await dueTimes.claim(queues, { signal, now, limit: limit || 1, holdMs: 1e9 });
      times.push(performance.now() - before);
      if (found.entries.length !== limit)
        throw new Error(`${found.entries.length} entries were claimed, not ${limit}`);
      await dueTimes.complete(
        found.entries.map((entry) => ({ entry, next: entry })),
        { signal },
      );
    }
    return distributionOf(times);
  };
  // Half of all entries are due, as after an outage.
  const middle = start + entries * 500;
  await put(0, few);
  const ofFewMs = await measure(32, middle);
  const began = performance.now();
  await put(few, entries);
  const putsPerSecond = Math.round((entries - few) / ((performance.now() - began) / 1000));
  const rssBefore = rssBytes([process.pid]);
  const emptyClaimMs = await measure(0, start - 1);
  const claimOf1Ms = await measure(1, middle);
  const claimOf32Ms = await measure(32, middle);
  const claimsMiB = Math.round((rssBytes([process.pid]) - rssBefore) / 1024 / 1024);
  const ratio = Math.round((claimOf32Ms.p50 / ofFewMs.p50) * 100) / 100;

  const faults: string[] = [];
  for (const [name, { p50 }] of Object.entries({ emptyClaimMs, claimOf1Ms, claimOf32Ms }))
    if (p50 > mostClaimMs) faults.push(`${name} is ${p50} at the median`);
  if (claimsMiB > mostMiB) faults.push(`claims have taken ${claimsMiB} MiB`);
  return {
    entries,
    putsPerSecond,
    emptyClaimMs,
    claimOf1Ms,
    claimOf32Ms,
    ratio,
    claimsMiB,
    faults,
  };
}

/** A second apart, in an order that is not that of their keys. */
function entryOf(i: number, entries: number) {
  const place = (i * 7_919) % entries;
  return {
    queue: queues[i % queues.length] as string,
    owner: `actor-${i % 9973}`,
    name: `reminder-${i}`,
    dueAt: start + place * 1000,
    data: '{"trigger":{"schedule":"@every 1h0m0s","tick":0,"runs":0,"failures":0},"data":"x"}',
  };
}
