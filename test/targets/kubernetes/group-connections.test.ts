import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createConnections } from "#targets/kubernetes/group/connections.ts";
import { turn } from "#test/doubles/group-process.ts";

function socket(remoteAddress: string | undefined, remotePort: number | undefined): Socket {
  const made = Object.assign(new PassThrough(), {
    remoteAddress,
    remotePort,
    setNoDelay: () => {},
  });
  return made as unknown as Socket;
}
function connections() {
  const accepted: Array<readonly [string, Socket]> = [];
  const made = createConnections({
    http: (each) => accepted.push(["http", each]),
    grpc: (each) => accepted.push(["grpc", each]),
    internal: undefined,
  });
  let ports = 0;
  const from = (address: string, port = ++ports, to: "http" | "grpc" = "http"): Socket => {
    const given = socket(address, port);
    made.take(to, given, undefined);
    return given;
  };
  return { ...made, accepted, from };
}
const free = (): boolean => false;
const taken = (): boolean => true;

describe("the connections of a group", () => {
  it("go to what speaks on their port, with what was read of them already", () => {
    const { take, accepted } = connections();
    const given = socket("::ffff:10.1.0.5", 1);
    take("grpc", given, Buffer.from("PRI"));
    expect(accepted).toEqual([["grpc", given]]);
    expect((given.read() as Buffer).toString()).toBe("PRI");
  });
  it("end where nobody speaks, or where they are gone already", () => {
    const { take, accepted } = connections();
    const all = [socket("10.1.0.5", 1), socket(undefined, undefined)] as const;
    take("internal", all[0], undefined);
    take("http", all[1], undefined);
    expect([accepted, all.map(({ destroyed }) => destroyed)]).toEqual([[], [true, true]]);
  });
  it("are 5,000 of one address at most, which is nobody else's loss", () => {
    const { from } = connections();
    const all = Array.from({ length: 5001 }, () => from("10.1.0.5"));
    expect(all.filter(({ destroyed }) => destroyed)).toEqual([all.at(-1)]);
    expect(from("10.1.0.6").destroyed).toBe(false);
  });
  it("end with their pod, and those of others do not", () => {
    const { from, end } = connections();
    const [own, other] = [from("10.1.0.5"), from("10.1.0.6")];
    end("a", ["10.1.0.5", "fd00::5"], free);
    expect([own.destroyed, other.destroyed]).toEqual([true, false]);
  });
  it("from an address that is another's by now end where they were the pod's, and only there", () => {
    const { from, claim, end } = connections();
    const [own, next, silent] = [from("10.1.0.5", 1), from("10.1.0.5", 2), from("10.1.0.5", 3)];
    claim("a", "10.1.0.5", 1);
    claim("b", "10.1.0.5", 2);
    end("a", ["10.1.0.5"], taken);
    expect([own, next, silent].map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
    end("b", ["10.1.0.5"], free);
    expect([next, silent].map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });
  it("are those of who called last", () => {
    const { from, claim, end } = connections();
    const kept = from("10.1.0.5", 1);
    claim("a", "10.1.0.5", 1);
    claim("b", "10.1.0.5", 1);
    end("a", ["10.1.0.5"], taken);
    expect(kept.destroyed).toBe(false);
  });
  it("may come from one port to two of ours, and be claimed after their end", async () => {
    const { from, claim, end } = connections();
    const both = [from("10.1.0.5", 1), from("10.1.0.5", 1, "grpc")];
    both[0]?.destroy();
    await turn();
    claim("a", "10.1.0.5", 1);
    claim("a", "10.1.0.5", 99);
    end("a", ["10.1.0.5"], taken);
    expect(both.map((each) => each?.destroyed)).toEqual([true, true]);
  });
  it("are waited for until none is left", async () => {
    const { from, idle } = connections();
    await idle();
    const [one, two] = [from("10.1.0.5"), from("10.1.0.6")];
    let isIdle = false;
    const waited = idle().then(() => (isIdle = true));
    one.destroy();
    await turn();
    expect(isIdle).toBe(false);
    two.destroy();
    await waited;
  });
});
