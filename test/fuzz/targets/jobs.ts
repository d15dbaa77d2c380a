import { ApiError } from "#core/errors/api-error.ts";
import { anyJson, anyOf, bodyOf, dataOfAny } from "#core/blocks/jobs/job-data.ts";
import { readJob } from "#core/blocks/jobs/read-job.ts";
import { jobJson } from "#core/blocks/jobs/write-job.ts";
import { afterRun, never, planTrigger, type TriggerRequest } from "#core/due-times/trigger.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { bytes, promise, target, type FuzzTarget, texts } from "../target.ts";

const now = Date.UTC(2026, 0, 31, 23, 59, 59, 999);
const bodies = [
  '{"schedule": "0 30 * * * *", "repeats": 5, "due_time": "1h", "ttl": "P1D", "data": {"@type": "x", "a": [1, null]}, "overwrite": true}',
  '{"dueTime":"2026-01-02T15:04:05.5+02:00","failurePolicy":{"constant":{"interval":"1.5s","maxRetries":"7"}},"name":null}',
  '{"failure_policy": {"drop": {}}, "data": "\\u00fc\\ud83d"}',
  "[]",
];
const schedules = [
  "0 */5 1-5,7 ? JAN-MAR MON",
  "TZ=Europe/Paris 0 30 2 * * *",
  "CRON_TZ=America/Sao_Paulo @daily",
  "@every 1h30m",
  "@yearly",
  "0 0 0 30 2 *",
];
const times = ["PT10S", "R5/P1Y2M3W4DT5H6M7S", "-1h2m3.5s", "2026-01-02T15:04:05Z", "P1M"];

/** A trigger that is refused says why; one that is not has times that go on. */
function plan(request: TriggerRequest): void {
  const trigger = planTrigger(request, now);
  promise(
    Number.isInteger(trigger.tick) && trigger.tick <= never,
    "a time is one that can be kept",
  );
  const next = afterRun(trigger, "done", now, now);
  promise(next === undefined || next.dueAt > trigger.tick, "the next time is a later one");
}
const isError = (reason: unknown): boolean =>
  reason instanceof Error && !(reason instanceof RangeError) && reason.message !== "";

export const jobTargets: readonly FuzzTarget[] = [
  target({
    name: "jobs: bodies",
    inputs: texts(...bodies),
    run: async (text) => {
      const input = {
        app: { appId: "a", namespace: "" },
        param: () => "j",
        text: async () => text,
      };
      const { job } = await readJob(input as unknown as HttpInput);
      if (!job) return;
      promise(typeof JSON.parse(jobJson(job)) === "object", "what was read can be written");
      if (job.data) promise(anyOf(job.data).value.length > 0, "data has a message");
    },
    allows: (reason) => ApiError.is(reason),
  }),
  target({
    name: "jobs: schedules",
    inputs: texts(...schedules),
    run: (schedule) => plan({ schedule, dueTime: "0s" }),
    allows: isError,
  }),
  target({
    name: "jobs: times",
    inputs: texts(...times),
    run: (text) => {
      plan({ schedule: "@every 1h", dueTime: text });
      plan({ schedule: "@every 1h", ttl: text });
    },
    allows: isError,
  }),
  target({
    name: "jobs: messages",
    inputs: bytes(
      Uint8Array.of(42, 16, 10, 14, 10, 1, 97, 18, 9, 17, 0, 0, 0, 0, 0, 0, 240, 63),
      Uint8Array.of(50, 4, 10, 2, 8, 0),
      Uint8Array.of(8, 150, 1, 16, 5),
    ),
    run: (value) => {
      for (const type of [
        "Value",
        "Struct",
        "ListValue",
        "StringValue",
        "Timestamp",
        "Int64Value",
      ]) {
        const data = dataOfAny({ typeUrl: `type.googleapis.com/google.protobuf.${type}`, value });
        promise(bodyOf(data) !== undefined, "an app gets something, whatever it is");
        try {
          promise(typeof JSON.parse(anyJson(data)) === "object", "what is shown is JSON");
        } catch (reason) {
          promise(reason instanceof Error && !(reason instanceof SyntaxError), "a failure is told");
        }
      }
    },
  }),
];
