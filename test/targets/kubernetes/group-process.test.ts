import { mkdtempSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { FromGroup, GroupOptions } from "#targets/kubernetes/messages.ts";
import { forkGroup, type Pulse } from "#targets/kubernetes/supervisor/group-process.ts";
import { eventually } from "#test/support/eventually.ts";
import { keptLog } from "#test/support/kept-log.ts";

/** Forks a program that a test writes. */
function forked(
  program: string,
  onMessage: (message: FromGroup) => void = () => {},
  pulse?: Pulse,
) {
  const path = join(mkdtempSync(join(tmpdir(), "outrigger-group-")), "group.mjs");
  writeFileSync(path, program);
  const log = keptLog();
  const process = forkGroup(
    { path, args: ["an-argument"], execArgv: [] },
    { group: "namespace/shop" } as GroupOptions,
    { SEEN: "yes", KUBECONFIG: "/secret", KUBERNETES_SERVICE_HOST: "10.0.0.1" },
    log,
    onMessage,
    pulse,
  );
  onTestFinished(() => process.kill());
  return { process, log };
}

describe("the process of a group", () => {
  it("is ended when it hangs, and not while it answers", async () => {
    const pulse = { everyMs: 100, most: 10 };
    const { process, log } = forked(
      `process.on("message", ({ type }) => {
        if (type === "start") process.send({ type: "started" });
        else if (type === "ping") process.send({ type: "pong" });
        else for (;;);
      });`,
      () => {},
      pulse,
    );
    await process.started;
    const early = await Promise.race([
      process.exited,
      new Promise((resolve) => setTimeout(() => resolve("alive"), 2500)),
    ]);
    expect(early).toBe("alive");
    process.tell({ type: "current", isCurrent: true });
    expect(await process.exited).toBe("signal SIGKILL");
    expect(log.of("error").join()).toContain("no longer responds");
  });
  it("is told how to run, and gets nothing that leads to the supervisor's credentials", async () => {
    const said: unknown[] = [];
    const { process } = forked(
      `process.once("message", (message) => {
        process.send({ type: "started" });
        process.send({ type: "drained", message, env: process.env, args: process.argv.slice(2) });
      });`,
      (message) => said.push(message),
    );
    await process.started;
    const [first] = await eventually(() => said.length > 0 && (said as object[]));
    expect(first).toMatchObject({
      message: { type: "start", options: { group: "namespace/shop", version: 1 } },
      env: { SEEN: "yes" },
      args: ["an-argument"],
    });
    expect(JSON.stringify(first)).not.toMatch(/KUBE/);
  });
  it("may say what makes no sense, and what nobody knows", async () => {
    const said: unknown[] = [];
    const { process, log } = forked(
      `process.once("message", () => {
        for (const message of [null, 5, "x", [], { type: "later" }, { type: "components" }, { type: "started" }])
          process.send(message);
      });`,
      (message) => {
        said.push(message);
        // As whoever takes the message apart would.
        void (message as unknown as { components: unknown[] }).components.length;
      },
    );
    await process.started;
    expect(said.length).toBeGreaterThan(3);
    expect(log.of("error").join("\n")).toContain("namespace/shop makes no sense");
  });
  it("that ends before it has started says why", async () => {
    const { process } = forked("process.exit(7)");
    await expect(process.started).rejects.toThrow("exit code 7");
    expect(await process.exited).toBe("exit code 7");
    process.tell({ type: "drain", idleMs: 0 });
    expect(process.hand("http", {} as never, undefined)).toBe(false);
  });
  it("that dies ends the connection that it may have had, and gives back the others untouched", async () => {
    const { process } = forked(
      `process.send({ type: "started" });
       for (;;);`,
    );
    await process.started;
    const accepted: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const clients = [];
    for (const count of [1, 2, 3]) {
      const client = connect(port, "127.0.0.1");
      const ended = new Promise((resolve) => client.once("close", resolve));
      client.on("error", () => {}).resume();
      clients.push({ client, ended });
      await eventually(() => accepted.length === count);
      expect(process.hand("http", accepted[count - 1] as Socket, Buffer.from("x"))).toBe(true);
    }
    // What has been written to the process, it has not acknowledged.
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill();
    await process.exited;
    await clients[0]?.ended;
    const back = process.takeBack();
    expect(back.map(({ socket }) => socket)).toEqual(accepted.slice(1));
    expect(back[0]).toMatchObject({ port: "http", head: Buffer.from("x") });
    expect(process.takeBack()).toEqual([]);
    for (const { socket } of back) socket.end("served");
    await Promise.all(clients.map(({ ended }) => ended));
  });
  it("that is slow to start is not asked whether it is alive", async () => {
    const { process } = forked(
      `setTimeout(() => process.send({ type: "started" }), 1500); process.on("message", () => {});`,
      () => {},
      { everyMs: 50, most: 3 },
    );
    await process.started;
    expect(await process.exited).toBe("signal SIGKILL");
  });
  it("that takes no connections has no more than 5,000 waiting", async () => {
    const { process } = forked(
      `process.send({ type: "started" });
       for (;;);`,
    );
    await process.started;
    const all = Array.from({ length: 5001 }, () => new Socket());
    for (const socket of all) expect(process.hand("http", socket, undefined)).toBe(true);
    expect(all.filter(({ destroyed }) => destroyed)).toEqual([all.at(-1)]);
  });
});
