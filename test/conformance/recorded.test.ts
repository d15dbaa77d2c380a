import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "#test/support/free-port.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";
import { compared, normalised, play, type Played, RecordedApp, type Scenario } from "./player.ts";

const folder = join(import.meta.dirname, "recorded");
const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
const scenario = read<Scenario>("http.scenario.json");
const recorded = read<{ readonly steps: readonly Played[] }>("http.daprd-1.18.json");
const unstable = read<readonly string[]>("unstable.json");
const gaps = knownGaps();

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
        resourcesFor(app.port),
        "--config",
        join(folder, "config.yaml"),
      ],
      env: { FOO: "bar", DENIED: "x" },
    });
    await runtime.healthy();
    for (const step of scenario.steps)
      ours.set(step.name, await play(onPort(step, app.port), runtime.httpPort, app));
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
function resourcesFor(port: number): string {
  const target = mkdtempSync(join(tmpdir(), "outrigger-recorded-"));
  for (const name of readdirSync(join(folder, "resources"))) {
    const text = readFileSync(join(folder, "resources", name), "utf8");
    writeFileSync(join(target, name), text.replaceAll("127.0.0.1:7601", `127.0.0.1:${port}`));
  }
  return target;
}
/** Lines `step name: reason`. */
function knownGaps(): ReadonlyMap<string, string> {
  const text = readFileSync(join(import.meta.dirname, "../known-gaps/recorded.txt"), "utf8");
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const [name = "", reason = ""] = line.split(" | ");
        return [name, reason];
      }),
  );
}
