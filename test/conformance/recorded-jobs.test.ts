import { describe } from "vitest";
import { compared, normalised, type Played, type Step } from "./player.ts";
import type { Scenario } from "./recorded-app.ts";
import {
  expectAsRecorded,
  expectNoOtherGaps,
  playScenario,
  readRecorded,
} from "./recorded-durable.ts";

interface Recorded {
  readonly steps: readonly Played[];
}
const gaps = "recorded-jobs.txt";
const wanted = (step: Played): object => compared(normalised(step));

/** What a real daprd 1.18 answered to calls of the Jobs API over HTTP, and what its app saw, step by step. */
describe("recorded daprd, jobs", () => {
  const scenario = readRecorded<Scenario<Step>>("jobs.scenario.json");
  const { steps } = readRecorded<Recorded>("jobs.daprd-1.18.json");
  // The recording waits for a minute in all.
  const ours = playScenario(scenario, steps, { speed: 6, patience: 1.5 });
  expectAsRecorded(steps, gaps, wanted, ({ name }) => compared(ours.get(name) as Played));
});

describe("recorded daprd without a scheduler, jobs", () => {
  const ofJobs = ({ name }: { readonly name: string }): boolean => /^job\b/.test(name);
  const { steps: all, ...rest } = readRecorded<Scenario<Step>>("off.scenario.json");
  const steps = readRecorded<Recorded>("off-no-scheduler.daprd-1.18.json").steps.filter(ofJobs);
  const ours = playScenario({ ...rest, steps: all.filter(ofJobs) }, steps, { jobs: false });
  expectAsRecorded(steps, gaps, wanted, ({ name }) => compared(ours.get(name) as Played));
});

describe("gaps", () => {
  const files = ["jobs.daprd-1.18.json", "off-no-scheduler.daprd-1.18.json"];
  const rpcs = ["grpc.daprd-1.18.json", "jobs-app.daprd-1.18.json"];
  expectNoOtherGaps(gaps, [
    ...files.flatMap((file) => readRecorded<Recorded>(file).steps),
    ...rpcs.flatMap((file) => readRecorded<readonly Played[]>(file)),
  ]);
});
