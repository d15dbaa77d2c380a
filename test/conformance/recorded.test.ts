import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "#test/support/free-port.ts";
import { knownGaps } from "#test/support/known-gaps.ts";
import { recordedFolder as folder, recordedResources } from "#test/support/recorded-resources.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";
import { compared, normalised, play, type Played, type Step } from "./player.ts";
import { RecordedApp, type Scenario } from "./recorded-app.ts";

const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
const scenario = read<Scenario<Step>>("http.scenario.json");
const recorded = read<{ readonly steps: readonly Played[] }>("http.daprd-1.18.json");
const unstable = read<readonly string[]>("unstable.json");
const gaps = knownGaps("recorded.txt");
/** Three batches that each wait 300 ms end just where the recording stopped waiting for them. */
const patience = 1.5;

/** What a real daprd 1.18 answered, and what the app behind it saw, step by step. */
describe("recorded daprd", () => {
  let app: RecordedApp;
  let runtime: SidecarProcess;
  const ours = new Map<string, Played>();

  beforeAll(async () => {
    app = await RecordedApp.listen(scenario);
    runtime = await sidecar({
      args: [
        "--app-id",
        "app",
        "--app-port",
        String(app.port),
        "--dapr-http-port",
        String(await freePort()),
        "--resources-path",
        recordedResources(app.port),
        "--config",
        join(folder, "config.yaml"),
      ],
      env: { FOO: "bar", DENIED: "x" },
    });
    await runtime.healthy();
    for (const step of scenario.steps)
      ours.set(step.name, await play(onPort(step, app.port), runtime.httpPort, app, { patience }));
  }, 120_000);
  afterAll(async () => {
    await runtime?.stop();
    await app?.[Symbol.asyncDispose]();
  });

  for (const step of recorded.steps) {
    const reason = gaps.get(step.name);
    if (unstable.includes(step.name)) continue;
    if (reason === undefined)
      it(step.name, () => {
        expect(compared(ours.get(step.name) as Played)).toEqual(compared(normalised(step)));
      });
    // A listed step that matches is a fault too: the list may only shrink.
    else
      it(`${step.name} (known gap: ${reason})`, () => {
        expect(compared(ours.get(step.name) as Played)).not.toEqual(compared(normalised(step)));
      });
  }
  it("has no gap listed that is no step", () => {
    const names = new Set(recorded.steps.map(({ name }) => name));
    expect([...gaps.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});

/** The recording's app listened on 7601; ours takes any free port. */
function onPort<T>(value: T, port: number): T {
  return JSON.parse(JSON.stringify(value).replaceAll("127.0.0.1:7601", `127.0.0.1:${port}`)) as T;
}
