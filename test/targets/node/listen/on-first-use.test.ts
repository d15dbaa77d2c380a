import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Endpoint, onFirstUse } from "#targets/node/listen/on-first-use.ts";
import { eventually } from "#test/support/eventually.ts";

const open: Array<Server | Socket> = [];
afterEach(() => {
  for (const each of open.splice(0))
    if ("destroy" in each) each.destroy();
    else each.close();
});

async function portOf(endpoint: Endpoint): Promise<number> {
  const server = createServer(endpoint.accept);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
function client(
  port: number,
  text: string,
): { readonly socket: Socket; readonly heard: () => string } {
  const socket = connect(port, "127.0.0.1");
  open.push(socket);
  let heard = "";
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
  socket.write(text);
  return { socket, heard: () => heard };
}
const echo = (): Endpoint & { readonly calls: string[] } => {
  const calls: string[] = [];
  return {
    calls,
    accept: (socket) => void socket.pipe(socket),
    drain: async () => void calls.push("drain"),
    close: async () => void calls.push("close"),
  };
};

const unexpected = (reason?: unknown): never => expect.unreachable(String(reason));

describe("an endpoint that is made on first use", () => {
  it("is made once, with the first connection, and gets all that was sent meanwhile", async () => {
    const made = Promise.withResolvers<Endpoint>();
    let times = 0;
    const endpoint = onFirstUse(() => {
      times++;
      return made.promise;
    }, unexpected);
    const port = await portOf(endpoint);
    expect(times).toBe(0);
    const clients = [client(port, "one"), client(port, "two")];
    await eventually(() => times === 1);
    made.resolve(echo());
    await eventually(() => clients.map(({ heard }) => heard()).join() === "one,two");
    const third = client(port, "three");
    await eventually(() => third.heard() === "three");
    expect(times).toBe(1);
  });

  it("drains and closes nothing that was never made, and what is being made once it is", async () => {
    const never = onFirstUse(() => unexpected(), unexpected);
    await never.drain();
    await never.close();
    const made = Promise.withResolvers<Endpoint>();
    let times = 0;
    const endpoint = onFirstUse(() => {
      times++;
      return made.promise;
    }, unexpected);
    client(await portOf(endpoint), "x");
    // The connection must have been accepted before there is anything to wait for.
    await eventually(() => times === 1);
    const own = echo();
    const drained = endpoint.drain();
    made.resolve(own);
    await drained;
    await endpoint.close();
    expect(own.calls).toEqual(["drain", "close"]);
  });

  it("closes the connections that it cannot serve, says why, and tries again with the next", async () => {
    const reasons: unknown[] = [];
    let times = 0;
    const endpoint = onFirstUse(
      async () => {
        if (++times === 1) throw new Error("no such file");
        return echo();
      },
      (reason) => reasons.push(reason),
    );
    const port = await portOf(endpoint);
    const first = client(port, "x");
    await eventually(() => first.socket.destroyed);
    expect(String(reasons[0])).toContain("no such file");
    const second = client(port, "again");
    await eventually(() => second.heard() === "again");
  });
});
