import type { FailurePolicy } from "#core/due-times/failure-policy.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { RequestOf, ResponseInit } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { anyOf, dataOfAny } from "./job-data.ts";
import type { Job } from "./job.ts";
import { jobOperations } from "./operations.ts";

export function jobsGrpc(routes: GrpcRoutes, services: RuntimeServices): void {
  const operations = services.part(jobOperations);
  for (const version of ["", "Alpha1"] as const) {
    routes.unary(`ScheduleJob${version}`, operations.schedule, readSchedule, () => ({}));
    routes.unary(
      `GetJob${version}`,
      operations.get,
      ({ name }) => ({ name }),
      (job) => ({ job: writeJob(job) }),
    );
    routes.unary(
      `DeleteJob${version}`,
      operations.delete,
      ({ name }) => ({ name }),
      () => ({}),
    );
    routes.unary(
      `DeleteJobsByPrefix${version}`,
      operations.deleteByPrefix,
      ({ namePrefix = "" }) => ({ namePrefix }),
      () => ({}),
    );
    routes.unary(
      `ListJobs${version}`,
      operations.list,
      () => ({}),
      (jobs) => ({ jobs: jobs.map(writeJob) }),
    );
  }
}

type JobMessage = NonNullable<RequestOf<"ScheduleJob">["job"]>;
type PolicyMessage = NonNullable<JobMessage["failurePolicy"]>;

function readSchedule({ job, overwrite }: RequestOf<"ScheduleJob">): {
  readonly job: Job | undefined;
  readonly overwrite: boolean;
} {
  if (!job) return { job, overwrite };
  const { name, schedule, repeats, dueTime, ttl, data, failurePolicy } = job;
  const times = { schedule, repeats, dueTime, ttl };
  return {
    job: {
      name,
      ...times,
      data: data && dataOfAny(data),
      failurePolicy: failurePolicy && readPolicy(failurePolicy),
    },
    overwrite,
  };
}
function readPolicy({ policy }: PolicyMessage): FailurePolicy | undefined {
  switch (policy.case) {
    case "drop":
      return { kind: "drop" };
    case "constant": {
      const { interval, maxRetries } = policy.value;
      return {
        kind: "constant",
        interval: interval && { seconds: Number(interval.seconds), nanos: interval.nanos },
        maxRetries,
      };
    }
    case undefined:
      return undefined;
  }
}

type JobInit = NonNullable<ResponseInit<"GetJob">["job"]>;

function writeJob({ name, data, failurePolicy, ...times }: Job): JobInit {
  const any = data && anyOf(data);
  return {
    name,
    ...times,
    ...(any ? { data: { typeUrl: any.typeUrl, value: any.value as Uint8Array<ArrayBuffer> } } : {}),
    ...(failurePolicy ? { failurePolicy: writePolicy(failurePolicy) } : {}),
  };
}
function writePolicy(policy: FailurePolicy): NonNullable<JobInit["failurePolicy"]> {
  if (policy.kind === "drop") return { policy: { case: "drop", value: {} } };
  const { interval, maxRetries } = policy;
  return {
    policy: {
      case: "constant",
      value: {
        interval: interval && { seconds: BigInt(interval.seconds), nanos: interval.nanos },
        maxRetries,
      },
    },
  };
}
