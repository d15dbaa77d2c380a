import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The way to a port of another machine, which may lose its power. */
export interface Cable extends Disposable {
  readonly port: number;
  /** Connections made so far. */
  readonly made: number;
  /** From now on nothing comes through what is connected: all is acknowledged, nothing ends. New connections work. */
  cut(): void;
}

export async function cable(to: number): Promise<Cable> {
  const ends = new Set<Socket>();
  let made = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    made++;
    const far = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true });
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.setNoDelay(true);
      from.on("error", () => {});
      from.on("close", () => ends.delete(from));
      from.pipe(into);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get made() {
      return made;
    },
    cut: () => {
      for (const end of ends) end.unpipe().pause();
    },
    [Symbol.dispose]: () => {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
}
