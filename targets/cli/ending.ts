import type { Cli, SignalName } from "./cli.ts";

/** Waits for the first thing that ends a command. */
export interface Ending {
  /** Resolves with the exit code when something asks the command to end. */
  readonly asked: Promise<number>;
  readonly isAsked: boolean;
  ask(code: number): void;
  /** Removes the signal listeners. */
  close(): void;
}
/**
 * Ctrl-C reaches both a wrapper and its child, and the wrapper passes it on. That counts once, not
 * twice.
 */
const echoMs = 250;

/** The first signal asks for a graceful end; a second one ends the process immediately. */
export function listenForEnd(cli: Cli, signals: readonly SignalName[]): Ending {
  let asked = false;
  let firstAt = 0;
  const { promise, resolve } = Promise.withResolvers<number>();
  const ask = (code: number): void => {
    asked = true;
    resolve(code);
  };
  const onSignal = (): void => {
    if (firstAt === 0) {
      firstAt = performance.now();
      ask(0);
    } else if (performance.now() - firstAt > echoMs) cli.exit(1);
  };
  const removals = signals.map((name) => cli.onSignal(name, onSignal));
  return {
    asked: promise,
    get isAsked() {
      return asked;
    },
    ask,
    close: () => {
      for (const remove of removals) remove();
    },
  };
}
