import { connect } from "node:net";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";

const dialMs = 500;
const pauseMs = 100;

/** Resolves once something listens there; asks for ever, as Dapr does, until the signal fires. The host may move. */
export async function waitForPort(
  host: string | (() => string),
  port: number,
  clock: Clock,
  options: CallOptions,
): Promise<void> {
  const at = typeof host === "string" ? () => host : host;
  while (!(await answers(at(), port))) await clock.sleep(pauseMs, options);
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
