import type { StartNode } from "#targets/node/options.ts";

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP";

/** What a command uses of the process that it runs in. Tests pass their own. */
export interface Cli {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** True if stdout is a terminal. */
  readonly terminal: boolean;
  /** True if the output may have colours. */
  readonly colour: boolean;
  readonly pid: number;
  out(text: string): void;
  err(text: string): void;
  /** The whole of stdin, at most a few MiB. */
  input(): Promise<string>;
  /**
   * True if `out` and `err` write to the streams of this process, so that a program that it starts
   * can write to them too.
   */
  readonly ownsOutput?: boolean;
  /** Loads the runtime. Call it only when the runtime is needed, so that `--help` stays quick. */
  loadStart(): Promise<StartNode>;
  /** Returns a function that removes the listener. */
  onSignal(name: SignalName, listener: () => void): () => void;
  /**
   * Runs the listener when the process ends in any way that it can notice. The listener must be
   * synchronous.
   */
  onExit(listener: () => void): () => void;
  /** Ends the process immediately. */
  exit(code: number): void;
}
