import { describe } from "vitest";
import { actorResources } from "#test/support/actor-resources.ts";
import type { CoordinatedNodeOptions } from "#test/support/coordinated-node.ts";
import { comparedActors, recordedStep } from "./recorded-actors.ts";
import type { Played, Step } from "./player.ts";
import type { Scenario } from "./recorded-app.ts";
import {
  expectAsRecorded,
  expectNoOtherGaps,
  playScenario,
  readRecorded,
  stable,
} from "./recorded-durable.ts";

interface Recorded {
  readonly steps: ReadonlyArray<Parameters<typeof recordedStep>[0]>;
}
const gaps = "recorded-actors.txt";
const files = {
  actors: "actors.daprd-1.18.json",
  resiliency: "resiliency.daprd-1.18.json",
  "off-no-placement": "off-no-placement.daprd-1.18.json",
  "off-no-store": "off-no-store.daprd-1.18.json",
};
const stepsOf = (kind: keyof typeof files): Recorded["steps"] =>
  stable(kind, readRecorded<Recorded>(files[kind]).steps);

/** What a real daprd 1.18 answered to calls of the actor API over HTTP, and what its app saw, step by step. */
function expectScenario(
  kind: keyof typeof files,
  scenario: Scenario<Step>,
  options: CoordinatedNodeOptions,
): void {
  const names = new Set(scenario.steps.map(({ name }) => name));
  const steps = stepsOf(kind).filter(({ name }) => names.has(name));
  const ours = playScenario(scenario, steps, options);
  expectAsRecorded(steps, gaps, recordedStep, ({ name }) =>
    comparedActors(ours.get(name) as Played),
  );
}

describe("recorded daprd, actors", () => {
  // The recording waits for two minutes in all.
  const scenario = readRecorded<Scenario<Step>>("actors.scenario.json");
  expectScenario("actors", scenario, { speed: 4, resources: actorResources });
});

describe("recorded daprd, resiliency of actors", () => {
  const scenario = readRecorded<Scenario<Step>>("resiliency.scenario.json");
  const resources = `${actorResources}---${resiliency}`;
  expectScenario("resiliency", scenario, { speed: 2, resources });
});

describe("recorded daprd, actors with a part missing", () => {
  const { steps, ...rest } = readRecorded<Scenario<Step>>("off.scenario.json");
  const scenario = { ...rest, steps: steps.filter(({ name }) => !name.startsWith("workflow")) };
  describe("placement", () => {
    expectScenario("off-no-placement", scenario, { actors: false, resources: actorResources });
  });
  describe("store", () => {
    const [, configuration = ""] = actorResources.split("---");
    expectScenario("off-no-store", scenario, { resources: configuration });
  });
});

describe("gaps", () => {
  const kinds = Object.keys(files) as ReadonlyArray<keyof typeof files>;
  expectNoOtherGaps(gaps, [
    ...kinds.flatMap(stepsOf),
    ...readRecorded<readonly Played[]>("grpc.daprd-1.18.json"),
  ]);
});

const resiliency = `
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: { name: res }
spec:
  policies:
    timeouts: { short: 500ms }
    retries: { three: { policy: constant, duration: 100ms, maxRetries: 3 } }
    circuitBreakers:
      two: { maxRequests: 1, timeout: 60s, trip: consecutiveFailures >= 2 }
  targets:
    actors:
      Retry: { retry: three }
      Time: { timeout: short }
      Both: { timeout: short, retry: three }
      BreakType: { circuitBreaker: two, circuitBreakerScope: type }
      BreakId: { circuitBreaker: two, circuitBreakerScope: id }
`;
