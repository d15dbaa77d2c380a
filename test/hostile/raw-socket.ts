import { connect } from "node:net";

export interface RawAnswer {
  /** Status of each response that came, in order. */
  readonly statuses: readonly number[];
  readonly text: string;
  /** The other side ended the connection. */
  readonly closed: boolean;
}
const quietMs = 400;

/** Sends bytes as they are and reads until the other side closes or says nothing for a while. */
export function sendRaw(
  port: number,
  parts: string | readonly string[],
  options: { readonly half?: boolean; readonly pauseMs?: number } = {},
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let closed = false;
    let timer: NodeJS.Timeout;
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({
        statuses: [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((m) => Number(m[1])),
        text,
        closed,
      });
    };
    const quiet = (): void => {
      clearTimeout(timer);
      timer = setTimeout(done, quietMs);
    };
    socket.on("data", (data) => {
      text += data.toString("latin1");
      quiet();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      closed = true;
      done();
    });
    socket.once("connect", () => {
      void (async () => {
        for (const part of [parts].flat()) {
          if (socket.destroyed) return;
          socket.write(Buffer.from(part, "latin1"));
          if (options.pauseMs) await new Promise((go) => setTimeout(go, options.pauseMs));
        }
        if (options.half) socket.end();
        quiet();
      })();
    });
    timer = setTimeout(done, 10_000);
  });
}
