import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { parseExposition, valueOf } from "#test/support/exposition.ts";
import { freePort } from "#test/support/free-port.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-telemetry-"));
const config = join(folder, "config.yaml");
writeFileSync(
  config,
  `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: { name: c }
spec: { logging: { apiLogging: { enabled: true } } }
`,
);

async function run(
  args: readonly string[],
  use: (process: SidecarProcess) => Promise<void>,
): Promise<void> {
  const process = await sidecar({ args: ["--app-id", "orders", ...args] });
  try {
    await process.healthy();
    await use(process);
  } finally {
    await process.stop();
  }
}
const call = (port: number, path: string): Promise<string> =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { "user-agent": "test" } }).then((answer) =>
    answer.text(),
  );

describe("outrigger sidecar, as a process", () => {
  test("serves its metrics on the port that it is given, whatever the path", async () => {
    const metricsPort = await freePort();
    await run(["--metrics-port", String(metricsPort)], async ({ httpPort, output }) => {
      await call(httpPort, "/v1.0/metadata");
      const read = parseExposition(await call(metricsPort, "/any/path"));
      expect(
        valueOf(read, "dapr_http_server_request_count", {
          app_id: "orders",
          method: "GET",
          path: "/v1.0/metadata",
          status: "200",
        }),
      ).toBe(1);
      expect(output()).toContain(`metrics server started on 0.0.0.0:${metricsPort}/`);
    });
  });

  test("serves none where they are turned off", async () => {
    const metricsPort = await freePort();
    const args = ["--metrics-port", String(metricsPort), "--enable-metrics=false"];
    await run(args, async () => {
      await expect(call(metricsPort, "/")).rejects.toThrow();
    });
  });

  test("ends with 1 where the metrics port is taken, and says which flag to change", async () => {
    await run([], async ({ httpPort }) => {
      const second = await sidecar({
        args: ["--app-id", "b", "--metrics-port", String(httpPort)],
      });
      expect(await second.exited).toBe(1);
      expect(second.output()).toMatch(/level=fatal .*--metrics-port/);
    });
  });

  test("appends to its log file a line for each call of the API, as the Configuration asks", async () => {
    const file = join(folder, "runtime.log");
    writeFileSync(file, "before\n");
    await run(["--config", config, "--log-file", file, "--log-as-json"], async ({ httpPort }) => {
      await call(httpPort, "/v1.0/secrets/none/%22%0Aforged");
      const line = await eventually(() =>
        readFileSync(file, "utf8")
          .split("\n")
          .slice(1, -1)
          .map((text) => JSON.parse(text) as Record<string, unknown>)
          .find(({ method }) => String(method).startsWith("GET /v1.0/secrets")),
      );
      expect(line).toMatchObject({
        app_id: "orders",
        level: "info",
        type: "log",
        scope: "dapr.runtime.http-info",
        msg: "HTTP API Called",
        method: 'GET /v1.0/secrets/none/"\nforged',
        code: 500,
        useragent: "test",
      });
      expect(readFileSync(file, "utf8")).toMatch(/^before\n\{/);
    });
  });

  test("does not log calls where the flag says so, whatever the Configuration says", async () => {
    await run(["--config", config, "--enable-api-logging=false"], async ({ httpPort, output }) => {
      await call(httpPort, "/v1.0/metadata");
      expect(output()).not.toContain("API Called");
    });
  });

  test("serves profiles where that is asked for", async () => {
    const port = await freePort();
    await run(["--enable-profiling", "--profile-port", String(port)], async () => {
      expect(await call(port, "/debug/pprof/profile?seconds=0.05")).toMatch(/^\{"nodes":/);
    });
  });
});

describe("outrigger run, as a process", () => {
  test("gives the app the port of its metrics", async () => {
    const bin = join(import.meta.dirname, "../../../bin/outrigger.mjs");
    const script =
      "fetch(`http://127.0.0.1:${process.env.DAPR_METRICS_PORT}/`).then((answer) => answer.text()).then(console.log)";
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [bin, "run", "--app-id", "shop", "--", process.execPath, "-e", script],
      { cwd: folder, env: { HOME: folder } },
    );
    expect(stdout).toContain("\nprocess_cpu_seconds_total ");
    expect(stdout).toContain('outrigger_app_calls_total{app_id="shop",direction="api"} 0');
  });
});
