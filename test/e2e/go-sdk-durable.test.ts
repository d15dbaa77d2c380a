import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { go, goProgram, type Ran, resultOf, run } from "#test/support/go-program.ts";
import { callerSidecar, machine, type Replica, replica } from "#test/support/replicas.ts";
import type { SidecarProcess } from "#test/support/sidecar.ts";

const without = go === undefined ? " (skipped: Go is not installed)" : "";
const ofEachType = ["stub", "InvokeActor", "raw state", "error", "timer", "reminder"];

/** The official Go SDK: two replicas of an app with actors, an app over gRPC with jobs and actors, and a caller. */
describe.skipIf(go === undefined)(`actors and jobs of github.com/dapr/go-sdk${without}`, () => {
  const here = machine();
  /** Other tests of this machine announce theirs to the same network. */
  const jobsApp = `jobs-${randomUUID()}`;
  let program: string;
  let stocks: readonly Replica[];
  let caller: SidecarProcess;
  let actors: Ran;
  let jobs: Ran;
  const call = (what: string): Promise<Ran> =>
    run(program, [what], { DAPR_GRPC_PORT: String(caller.grpcPort), JOBS_APP: jobsApp });

  beforeAll(async () => {
    program = await goProgram("test/e2e/go");
    const start = (appId: string, mode: string, type: string, ...args: readonly string[]) =>
      replica({
        machine: here,
        args: ["--app-id", appId, "--resources-path", here.resources, ...args],
        program: [program, mode],
        env: { ACTOR_TYPE: type },
      });
    const [first, second, , other] = await Promise.all([
      start("stock", "host-actors", "Stock"),
      start("stock", "host-actors", "Stock"),
      start(jobsApp, "host-jobs", "StreamedStock", "--app-protocol", "grpc"),
      callerSidecar(here, ["--app-id", "caller", "--resources-path", here.resources]),
    ]);
    stocks = [first, second];
    caller = other;
    [actors, jobs] = await Promise.all([call("call-actors"), call("call-jobs")]);
  }, 300_000);
  afterAll(async () => {
    await here[Symbol.asyncDispose]();
  });

  describe.each(["Stock", "StreamedStock"])("an actor of type %s, from another app", (type) => {
    it.each(ofEachType)("%s", (name) => expect(resultOf(actors, `${type} ${name}`)).toBe("ok"));
  });
  it.each(["a reminder of a type that another app hosts", "an unknown type"])("%s", (name) =>
    expect(resultOf(actors, name)).toBe("ok"),
  );
  it.each([
    "a job that another app asks for",
    "a job that is deleted",
    "a job whose handler fails at first",
    "the same job twice",
    "what was scheduled is read as it was",
    "a job that is not there",
    "a job of another app",
  ])("%s", (name) => expect(resultOf(jobs, name)).toBe("ok"));
  it("actors are on both replicas, and with their state on the other when one ends", async () => {
    expect(resultOf(actors, "survivors")).toBe("ok");
    await stocks[0]?.stop();
    const name = "survivors after a replica has ended";
    expect(resultOf(await call("call-rest"), name)).toBe("ok");
  });
});
