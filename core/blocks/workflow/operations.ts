import { noPlacement } from "#core/errors/not-built.ts";
import { type NotBuilt, notBuilt } from "#core/blocks/_shared/not-built.ts";

const refuse = noPlacement();
const operation = (verb: string, endpoint: string): NotBuilt =>
  notBuilt(`workflow.${verb}`, "workflows", endpoint, refuse);

export const startWorkflow: NotBuilt = operation("start", "StartWorkflow");
export const getWorkflow: NotBuilt = operation("get", "GetWorkflow");
export const raiseEvent: NotBuilt = operation("raise_event", "RaiseEventWorkflow");
export const pauseWorkflow: NotBuilt = operation("pause", "PauseWorkflow");
export const resumeWorkflow: NotBuilt = operation("resume", "ResumeWorkflow");
export const terminateWorkflow: NotBuilt = operation("terminate", "TerminateWorkflow");
export const purgeWorkflow: NotBuilt = operation("purge", "PurgeWorkflow");
