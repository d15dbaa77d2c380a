import { spawn, type ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2eResources, type E2eResources } from "#test/support/e2e-resources.ts";
import { freePort } from "#test/support/free-port.ts";
import { go, goProgram, type Ran, resultOf, run } from "#test/support/go-program.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

const without = go === undefined ? " (skipped: Go is not installed)" : "";
const cases = [
  "wait",
  "state",
  "bulk state",
  "transaction",
  "publish",
  "bulk publish",
  "routing",
  "streaming subscription",
  "invoke",
  "invoke fails",
  "binding",
  "input binding",
  "secret",
  "metadata",
  "crypto",
  "conversation",
];
const redisCases = ["lock", "configuration"];

/** The official Go SDK, client and service, as a program of its own against the built sidecar. */
describe.skipIf(go === undefined).each(["grpc", "http"])(
  `github.com/dapr/go-sdk, the service over %s${without}`,
  (protocol) => {
    let resources: E2eResources;
    let runtime: SidecarProcess;
    let ran: Ran;

    beforeAll(async () => {
      const program = await goProgram("test/e2e/go");
      resources = await e2eResources();
      const appPort = String(await freePort());
      runtime = await startSidecar(resources, appPort, protocol);
      await runtime.takesCalls();
      ran = await run(program, [], {
        DAPR_GRPC_PORT: String(runtime.grpcPort),
        DAPR_HTTP_PORT: String(runtime.httpPort),
        APP_PORT: appPort,
        APP_PROTOCOL: protocol,
        CASES_REDIS: resources.redis ? "1" : "0",
        REDIS_PORT: "6379",
      });
    }, 300_000);
    afterAll(async () => {
      await runtime?.stop();
    });

    it.each(cases)("%s", (name) => expect(resultOf(ran, name)).toBe("ok"));
    for (const name of redisCases)
      it(name, ({ skip }) => {
        if (!resources.redis) return skip("no Redis here");
        expect(resultOf(ran, name)).toBe("ok");
      });
  },
);

/** gRPC's own interoperability cases, by Google's client and server, with our proxy in between. */
describe.skipIf(go === undefined)(`gRPC interop through the proxy${without}`, () => {
  let program: string;
  let runtime: SidecarProcess;
  let app: ChildProcess;

  beforeAll(async () => {
    program = await goProgram("test/e2e/go");
    const appPort = String(await freePort());
    app = spawn(program, ["app"], {
      env: { ...process.env, APP_PORT: appPort, APP_PROTOCOL: "grpc" },
      stdio: "ignore",
    });
    runtime = await startSidecar(await e2eResources(), appPort, "grpc");
    await runtime.healthy();
  }, 300_000);
  afterAll(async () => {
    app?.kill();
    await runtime?.stop();
  });

  it.each([
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
  ])("%s", async (name) => {
    const env = { DAPR_GRPC_PORT: String(runtime.grpcPort), TARGET_APP: "sdk" };
    expect(resultOf(await run(program, ["interop", name], env), name)).toBe("ok");
  });
});

function startSidecar(
  resources: E2eResources,
  appPort: string,
  protocol: string,
): Promise<SidecarProcess> {
  return sidecar({
    args: [
      "--app-id",
      "sdk",
      "--app-port",
      appPort,
      "--app-protocol",
      protocol,
      "--resources-path",
      resources.folder,
      "--log-level",
      "warn",
    ],
  });
}
