import { connect } from "node:net";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";

const dialMs = 500;
const pauseMs = 100;
const sayMs = 10_000;

/**
 * Resolves once something listens there; asks for ever, as Dapr does, until the signal fires. The host may move.
 * `waiting` hears for how long, in seconds, where nobody listens yet: at once, and every 10 s from then on.
 */
export async function waitForPort(
  host: string | (() => string),
  port: number,
  clock: Clock,
  options: CallOptions,
  waiting: (seconds: number) => void = () => {},
): Promise<void> {
  const at = typeof host === "string" ? () => host : host;
  const began = clock.now();
  for (let said = 0; !(await answers(at(), port));) {
    options.signal.throwIfAborted();
    const passed = clock.now() - began;
    if (passed >= said) {
      waiting(Math.floor(passed / 1000));
      said = passed + sayMs;
    }
    await clock.sleep(pauseMs, options);
  }
  options.signal.throwIfAborted();
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: dialMs });
    const done = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", done(true));
    socket.once("error", done(false));
    socket.once("timeout", done(false));
  });
}
