import type { FailurePolicy } from "#core/due-times/failure-policy.ts";
import { formatProtoDuration } from "#core/util/protobuf/duration.ts";
import { anyJson } from "./job-data.ts";
import type { Job } from "./job.ts";

/** The job as protobuf's JSON writes it, members that are not set left out. Throws where its data has no JSON form. */
export function jobJson(job: Job): string {
  const { name, schedule, repeats, dueTime, ttl, data, failurePolicy } = job;
  const members = Object.entries({ name, schedule, repeats, dueTime, ttl }).flatMap(
    ([key, value]) => (value === undefined ? [] : [`"${key}":${JSON.stringify(value)}`]),
  );
  if (data) members.push(`"data":${anyJson(data)}`);
  if (failurePolicy) members.push(`"failurePolicy":${policyJson(failurePolicy)}`);
  return `{${members.join(",")}}`;
}

function policyJson(policy: FailurePolicy): string {
  if (policy.kind === "drop") return '{"drop":{}}';
  const { interval, maxRetries } = policy;
  const constant = { interval: interval && formatProtoDuration(interval), maxRetries };
  return JSON.stringify({ constant });
}
