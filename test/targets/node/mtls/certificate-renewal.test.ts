import { afterEach, beforeEach, expect, it } from "vitest";
import { clock as realClock } from "#targets/node/clock.ts";
import { insecure } from "#targets/ca/validators.ts";
import { mtlsSettings } from "#targets/node/mtls/settings.ts";
import { openIdentity, type WorkloadIdentity } from "#targets/node/mtls/workload-identity.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { testCa, type TestCa } from "#test/support/test-ca.ts";

const hourMs = 3_600_000;
const workload = { trustDomain: "public", namespace: "shop", appId: "cart" };

let ca: TestCa;
let identity: WorkloadIdentity;
let logged: Array<readonly [level: string, text: string]>;
let counted: string[];
let isAway: boolean;
let clock: FakeClock;
/** Time in which timers stood still. */
let suspendedMs: number;

beforeEach(async () => {
  // By the true time, where the test begins: the connection to it is checked by a clock that no test moves.
  ca = await testCa({ validator: insecure, workloadTtlMs: 24 * hourMs });
  clock = fakeClock(Date.now());
  suspendedMs = 0;
  logged = [];
  counted = [];
  isAway = false;
  const settings = mtlsSettings(
    {
      sentryAddress: ca.forNodes.mtls?.sentryAddress ?? "",
      controlPlaneTrustDomain: "cluster.local",
      controlPlaneNamespace: "outrigger-system",
    },
    { DAPR_TRUST_ANCHORS: ca.anchors },
  );
  const say = (level: string) => (text: string) => void logged.push([level, text]);
  identity = await openIdentity(
    workload,
    {
      ...settings,
      // Of an authority that is not there.
      get address() {
        return isAway ? "127.0.0.1:1" : settings.address;
      },
    },
    { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    () => ({ count: (name: string) => void counted.push(name) }) as never,
    // Calls take the time that they take: the authority is a real one.
    { ...clock, now: () => clock.now() + suspendedMs, sleep: realClock.sleep },
  );
});
afterEach(async () => {
  identity[Symbol.dispose]();
  await ca[Symbol.asyncDispose]();
});

const failures = (): number => counted.filter((name) => name.includes("rotated_fail")).length;
/** Lets what has begun happen, in real time. */
const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15));
async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 250; i++) {
    if (check()) return;
    await moment();
  }
  throw new Error("waited in vain");
}

it("renews what has grown old while the machine was suspended", async () => {
  const { cert } = identity.context;
  suspendedMs = 13 * hourMs;
  await clock.advance(10_000);
  await until(() => identity.context.cert !== cert);
});
it("renews about half of the life before the end, and no sooner", async () => {
  const { cert } = identity.context;
  await clock.advance(10 * hourMs);
  await moment();
  expect(identity.context.cert).toBe(cert);
  await clock.advance(2 * hourMs + 60_000);
  await until(() => identity.context.cert !== cert);
});
it("asks an authority that is away less and less often, and says so once", async () => {
  isAway = true;
  const { cert } = identity.context;
  suspendedMs = 13 * hourMs;
  await clock.advance(10_000);
  await until(() => failures() === 1);
  for (let seconds = 0; seconds < 600; seconds += 5) {
    await clock.advance(5000);
    await moment();
  }
  const tries = failures();
  expect(tries).toBeGreaterThanOrEqual(10);
  expect(tries).toBeLessThanOrEqual(26);
  const about = (level: string) => logged.filter(([of]) => of === level);
  expect(about("error")).toHaveLength(1);
  expect(about("error")[0]?.[1]).toContain(
    "Cannot renew the certificate of spiffe://public/ns/sho",
  );
  expect(about("debug")).toHaveLength(tries - 1);
  isAway = false;
  await clock.advance(70_000);
  await until(() => identity.context.cert !== cert);
});
