import type { Asking } from "#k8s/inspect/read.ts";
import type { Cli } from "./cli.ts";
import type { Flags } from "./flags.ts";

/** The input of a command of `outrigger k8s`. */
export interface K8sCall {
  readonly asking: Asking;
  readonly flags: Flags;
  /** Arguments after the command. */
  readonly rest: readonly string[];
  readonly cli: Cli;
  readonly now: number;
}
/** Resolves with the exit code. */
export type K8sCommand = (call: K8sCall) => Promise<number>;
