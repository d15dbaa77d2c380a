import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type CoordinatedNode,
  coordinatedNode,
  type CoordinatedNodeOptions,
  type ServedApp,
} from "#test/support/coordinated-node.ts";
import { knownGaps } from "#test/support/known-gaps.ts";
import { type Pace, play, type Played, type Step } from "./player.ts";
import { RecordedApp, type Scenario } from "./recorded-app.ts";

const folder = join(import.meta.dirname, "recorded-durable");

/** A file of the recordings of actors, jobs and workflows. */
export function readRecorded<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
}

/** Without the steps of that kind that differ between two recordings. */
export function stable<T extends Named>(kind: string, steps: readonly T[]): readonly T[] {
  const unstable = readRecorded<readonly string[]>("unstable.json");
  return steps.filter(({ name }) => !unstable.includes(`${kind}: ${name}`));
}

interface Named {
  readonly name: string;
}

/**
 * Plays a scenario before the tests, and returns each step as it was played, by its name. Next to the scenario's app
 * there is one without a port, in a runtime of its own.
 */
export function playScenario(
  scenario: Scenario<Step>,
  recorded: readonly Played[],
  options: CoordinatedNodeOptions & Pick<Pace, "patience">,
): ReadonlyMap<string, Played> {
  const calls = new Map(recorded.map(({ name, appSaw }) => [name, appSaw.length]));
  const played = new Map<string, Played>();
  let app: RecordedApp;
  let node: CoordinatedNode;
  const { patience = 1 } = options;

  beforeAll(async () => {
    node = coordinatedNode(options);
    const { wait } = node.clock;
    app = await RecordedApp.listen(scenario, wait);
    const apps: Record<string, ServedApp> = {
      app: await node.serve("app", { port: app.port, protocol: "http" }),
      other: await node.serve("other", undefined, { apart: true }),
    };
    app.runtimePort = (apps["app"] as ServedApp).httpPort;
    for (const step of scenario.steps) {
      const { httpPort } = apps[step.via ?? "app"] as ServedApp;
      const pace = { wait, patience, calls: calls.get(step.name) ?? 0 };
      played.set(step.name, await play(step, httpPort, app, pace));
    }
  }, 120_000);
  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    await app?.[Symbol.asyncDispose]();
  });
  return played;
}

/** A test for each step: as it was recorded, or otherwise where it is listed as a gap; the list may only shrink. */
export function expectAsRecorded<T extends Named>(
  steps: readonly T[],
  gapsFile: string,
  wanted: (step: T) => object,
  ours: (step: T) => object,
): void {
  const gaps = knownGaps(gapsFile);
  it("has steps to play", () => expect(steps.length).toBeGreaterThan(2));
  for (const step of steps) {
    const reason = gaps.get(step.name);
    if (reason === undefined) it(step.name, () => expect(ours(step)).toEqual(wanted(step)));
    else
      it(`${step.name} (known gap: ${reason})`, () => expect(ours(step)).not.toEqual(wanted(step)));
  }
}

/** A list of gaps names steps only. */
export function expectNoOtherGaps(gapsFile: string, steps: readonly Named[]): void {
  const names = new Set(steps.map(({ name }) => name));
  it(`lists no gap in ${gapsFile} that is not a step`, () =>
    expect([...knownGaps(gapsFile).keys()].filter((name) => !names.has(name))).toEqual([]));
}
