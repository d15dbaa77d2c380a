import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommand } from "#targets/cli/commands.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { fakeCli, fakeRuntime } from "./fake-cli.ts";

const scratch = (): string => mkdtempSync(join(tmpdir(), "outrigger-sidecar-"));

describe("sidecar", () => {
  it("starts the runtime with the app of its flags, says when it is ready, and ends with 0 on SIGTERM", async () => {
    const ready = Promise.withResolvers<void>();
    const runtime = fakeRuntime({ ready: ready.promise });
    const shell = fakeCli({ start: runtime.start, env: { NAMESPACE: "ns" } });
    const code = runCommand(["sidecar", "--app-id", "a", "--app-port", "3000"], shell.cli);
    await eventually(() => runtime.options !== undefined);
    expect(runtime.options).toMatchObject({
      apps: [{ appId: "a", appPort: 3000, namespace: "ns" }],
      failOnComponentError: true,
      env: { NAMESPACE: "ns" },
    });
    expect(shell.out()).not.toContain("dapr initialized");
    ready.resolve();
    await eventually(() =>
      /level=info msg="dapr initialized\. Status: Running\. Init Elapsed \d+ms"/.test(shell.out()),
    );
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
    expect([runtime.stops, shell.listeners, shell.exits]).toEqual([1, 0, []]);
  });

  it("takes daprd's flags without a command too", async () => {
    const runtime = fakeRuntime();
    const shell = fakeCli({ start: runtime.start });
    const code = runCommand(["-app-id=a", "-dapr-http-port", "1234"], shell.cli);
    await eventually(() => runtime.options !== undefined);
    expect(runtime.options?.apps[0]).toMatchObject({ appId: "a", httpPort: 1234 });
    shell.signal("SIGINT");
    expect(await code).toBe(0);
  });

  it("warns about flags that it does not know, and runs", async () => {
    const runtime = fakeRuntime();
    const shell = fakeCli({ start: runtime.start });
    const args = ["--app-id", "a", "--app-prot", "x", "stray"];
    const code = runCommand(["sidecar", ...args], shell.cli);
    await eventually(() => shell.out().includes("dapr initialized"));
    expect(shell.out()).toMatch(
      /level=warning msg="Ignoring unknown flag --app-prot; did you mean \\"app-port\\"\?"/,
    );
    expect(shell.out()).toMatch(/Ignoring argument \\"stray\\"/);
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
  });

  for (const [what, args, reason] of [
    ["a bad value", ["--app-id", "a", "--app-port", "x"], /Invalid value.*--app-port/],
    ["no app id", [], /No app id/],
    [
      "a log file that cannot be made",
      ["--app-id", "a", "--log-file", "/dev/null/x"],
      /Cannot write logs/,
    ],
  ] as const)
    it(`ends with 1 and the reason on ${what}`, async () => {
      const runtime = fakeRuntime();
      const shell = fakeCli({ start: runtime.start });
      expect(await runCommand(["sidecar", ...args], shell.cli)).toBe(1);
      expect(shell.out() + shell.err()).toMatch(new RegExp(`level=fatal msg=.*${reason.source}`));
      expect(runtime.options).toBeUndefined();
    });

  it("ends with 1 and the reason when the runtime cannot start", async () => {
    const runtime = fakeRuntime({ starting: () => Promise.reject(new Error("Port 1 is taken")) });
    const shell = fakeCli({ start: runtime.start });
    expect(await runCommand(["sidecar", "--app-id", "a"], shell.cli)).toBe(1);
    expect(shell.out()).toMatch(/level=fatal msg="Fatal error from runtime: Port 1 is taken"/);
  });

  it("ends with 1 and the reason when the app can never be ready, after stopping the runtime", async () => {
    const failed = Promise.reject(new Error("No topic"));
    failed.catch(() => {});
    const runtime = fakeRuntime({ ready: failed });
    const shell = fakeCli({ start: runtime.start });
    expect(await runCommand(["sidecar", "--app-id", "a"], shell.cli)).toBe(1);
    expect(shell.out()).toMatch(/level=fatal.*No topic/);
    expect(runtime.stops).toBe(1);
  });

  it("reads its documents anew on SIGHUP, and goes on", async () => {
    const runtime = fakeRuntime();
    const shell = fakeCli({ start: runtime.start });
    const code = runCommand(["sidecar", "--app-id", "a"], shell.cli);
    await eventually(() => shell.out().includes("dapr initialized"));
    shell.signal("SIGHUP");
    expect(runtime.reloads).toBe(1);
    expect(runtime.stops).toBe(0);
    shell.signal("SIGTERM");
    expect(await code).toBe(0);
  });

  it("takes an echo of the first signal for the same wish, and ends at once on a later one", async () => {
    const closing = Promise.withResolvers<void>();
    const runtime = fakeRuntime({ stopping: () => closing.promise });
    const shell = fakeCli({ start: runtime.start });
    const code = runCommand(["sidecar", "--app-id", "a"], shell.cli);
    await eventually(() => shell.out().includes("dapr initialized"));
    shell.signal("SIGINT");
    shell.signal("SIGINT");
    expect(shell.exits).toEqual([]);
    await eventually(() => {
      shell.signal("SIGINT");
      return shell.exits.length > 0;
    });
    expect(shell.exits[0]).toBe(1);
    closing.resolve();
    expect(await code).toBe(0);
  });

  it("ends with 0 when it is told to during a start, and still stops what then has started", async () => {
    const opening = Promise.withResolvers<void>();
    const runtime = fakeRuntime({ starting: () => opening.promise });
    const shell = fakeCli({ start: runtime.start });
    const code = runCommand(["sidecar", "--app-id", "a"], shell.cli);
    await eventually(() => runtime.options !== undefined);
    shell.signal("SIGTERM");
    opening.resolve();
    expect(await code).toBe(0);
    expect(runtime.stops).toBe(1);
  });

  it("ends gracefully with 0 when the API asks for it, and with 1 at once when forced", async () => {
    const runtime = fakeRuntime();
    const shell = fakeCli({ start: runtime.start });
    const code = runCommand(["sidecar", "--app-id", "a"], shell.cli);
    await eventually(() => runtime.options !== undefined);
    runtime.options?.shutdown("a", true);
    expect(shell.exits).toEqual([]);
    await eventually(() => shell.exits.length > 0);
    expect(shell.exits).toEqual([1]);
    runtime.options?.shutdown("a", false);
    expect(runtime.stops).toBe(0);
    expect(await code).toBe(0);
    expect(runtime.stops).toBe(1);
  });

  it("appends its log to a file, as JSON, from the level given", async () => {
    const file = join(scratch(), "logs", "daprd.log");
    for (const id of ["first", "second"]) {
      const runtime = fakeRuntime();
      const shell = fakeCli({ start: runtime.start });
      const code = runCommand(
        [
          "sidecar",
          "--app-id",
          id,
          "--log-file",
          file,
          "--log-as-json",
          "--log-level",
          "warn",
          "--odd",
        ],
        shell.cli,
      );
      await eventually(() => runtime.options !== undefined);
      shell.signal("SIGTERM");
      expect(await code).toBe(0);
      expect(shell.out()).toBe("");
    }
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual([
      "warning",
      "warning",
    ]);
  });

  it("prints version, build info and help without starting anything", async () => {
    const runtime = fakeRuntime();
    for (const [flag, text] of [
      ["--version", /^(?:edge|\d+\.\d+\.\d+(?:-rc\.\d+)?)\n$/],
      ["--build-info", /^Version: .*\nGit Commit: .*\nGit Version: \d+\.\d+\.\d+\n$/],
      ["--help", /--placement-host-address/],
    ] as const) {
      const shell = fakeCli({ start: runtime.start });
      expect(await runCommand(["sidecar", flag], shell.cli)).toBe(0);
      expect(shell.out()).toMatch(text);
    }
    expect(runtime.options).toBeUndefined();
  });

  it("--wait ends with 0 once the runtime on the HTTP port can be called", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(asked.length < 3 ? 500 : 204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const shell = fakeCli();
    expect(await runCommand(["--wait", "--dapr-http-port", String(port)], shell.cli)).toBe(0);
    expect(asked).toEqual(Array.from({ length: 3 }, () => "/v1.0/healthz/outbound"));
    server.close();
  });

  it("--wait ends with 1 when its time is over", async () => {
    const { waitForOutbound } = await import("#targets/cli/wait.ts");
    const shell = fakeCli();
    expect(await waitForOutbound(shell.cli, await freePort(), 300)).toBe(1);
    expect(shell.err()).toMatch(/Gave up on .*; last result: /);
  });
});

describe("outrigger", () => {
  it("prints its help and version", async () => {
    const shell = fakeCli();
    expect(await runCommand(["--help"], shell.cli)).toBe(0);
    expect(await runCommand(["version"], shell.cli)).toBe(0);
    expect(shell.out()).toMatch(/outrigger sidecar[^]*outrigger \d+\.\d+\.\d+\nDapr API: /);
  });

  it("refuses an unknown command with its help", async () => {
    const shell = fakeCli();
    expect(await runCommand(["fly"], shell.cli)).toBe(1);
    expect(shell.err()).toMatch(/Unknown command "fly"[^]*Usage/);
  });
});
