import type { StartNode } from "#targets/node/options.ts";

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP";

/** What a command takes from the process it runs in; a test passes its own. */
export interface Cli {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** True where somebody watches: stdout is a terminal. */
  readonly terminal: boolean;
  /** True where colours are welcome. */
  readonly colour: boolean;
  readonly pid: number;
  out(text: string): void;
  err(text: string): void;
  /** All that stands on stdin, at most a few MiB. */
  input(): Promise<string>;
  /** True: `out` and `err` write to streams of this process, which a program that it starts may write to as well. */
  readonly ownsOutput?: boolean;
  /** Loads the runtime; not before it is needed, so that `--help` stays quick. */
  loadStart(): Promise<StartNode>;
  /** Returns what takes the listener away again. */
  onSignal(name: SignalName, listener: () => void): () => void;
  /** Runs when the process ends in whatever way it can notice; must be synchronous. */
  onExit(listener: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}
