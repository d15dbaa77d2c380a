import { type Block, defineBlock } from "../_shared/define-block.ts";
import { jobsHttp } from "./http.ts";
import { jobOperations } from "./operations.ts";
import { createJobRuns } from "./run-jobs.ts";

export const block: Block = defineBlock({
  name: "jobs",
  http: [(routes, services) => jobsHttp(routes, services.part(jobOperations))],
  forApp: createJobRuns,
});
