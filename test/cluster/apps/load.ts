/**
 * Load as a program, in a pod on the pod's own runtime: `LOAD` has the options as JSON, the report is the last line.
 * SIGTERM ends it early; each second a line says how far it is.
 */
import { type LoadOptions, runLoad } from "#test/support/load.ts";

const { env } = process;
const given = JSON.parse(env["LOAD"] ?? "{}") as Omit<LoadOptions, "http" | "grpc"> & {
  readonly http: Partial<LoadOptions["http"]>;
  readonly grpc: Partial<LoadOptions["grpc"]>;
};
const endpoint = (name: string): URL => new URL(env[name] ?? "http://127.0.0.1:1");
const token = env["DAPR_API_TOKEN"] ?? "";
const { hostname: host, port } = endpoint("DAPR_HTTP_ENDPOINT");

const over = new AbortController();
process.once("SIGTERM", () => over.abort());
const report = await runLoad({
  ...given,
  http: { host, port: Number(port), token, path: "/", rate: 0, connections: 0, ...given.http },
  grpc: {
    target: endpoint("DAPR_GRPC_ENDPOINT").host,
    token,
    rate: 0,
    channels: 0,
    ...given.grpc,
  },
  signal: over.signal,
  onSecond: (calls, failed) => process.stdout.write(`${calls} calls, ${failed} failed\n`),
});
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
