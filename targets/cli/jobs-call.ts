import type { JobOwner } from "#core/blocks/jobs/job.ts";
import type { CoordinationCall } from "./open-coordination.ts";

/** The input of a command of `outrigger jobs`. */
export interface JobsCall extends CoordinationCall {
  readonly app: JobOwner;
}
