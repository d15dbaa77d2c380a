import { coordination } from "#components/in-memory/manifest.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import type { AppOptions } from "#core/hosting/app-options.ts";
import type { CoordinationSettings } from "#core/hosting/coordination.ts";
import { createRuntime, type Runtime } from "#core/hosting/runtime.ts";
import { grpcBlocks } from "#core/hosting/grpc-blocks.gen.ts";
import type { Manifest } from "#core/ports/manifest.ts";
import type { Platform } from "#core/ports/platform.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { createGrpc } from "#core/wire/grpc/surface.ts";
import { type FakeAnswer, recordingChannel, type SeenCall } from "#test/support/fake-app.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { type KeptLog, keptLog } from "#test/support/kept-log.ts";
import { boundTo } from "#test/support/runtime-services.ts";
import { type GrpcClient, grpcClient } from "../../grpc-call.ts";

export interface ApiReply {
  readonly status: number;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}
/** An app that has been started, and what it was sent. */
export interface JobApp extends AppInstance {
  readonly seen: readonly SeenCall[];
  /** Runs of one job, by the path that they came to. */
  runs(name: string): readonly SeenCall[];
  http(method: string, name: string, body?: unknown): Promise<ApiReply>;
  readonly grpc: GrpcClient;
  /** The answer to each call from now on. */
  answer(answer: (call: SeenCall) => FakeAnswer | Promise<FakeAnswer>): void;
}
export interface JobRuntime extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly log: KeptLog;
  readonly runtime: Runtime;
  /** What the log warns of jobs. */
  warnings(): readonly string[];
  /** Hosts an app, and starts it. */
  app(options?: Partial<AppOptions> & { readonly hasChannel?: boolean }): Promise<JobApp>;
}

/** Jobs kept in memory, under whatever settings. */
export function jobsInMemory(more: Partial<CoordinationSettings> = {}): CoordinationSettings {
  return {
    actors: true,
    jobs: true,
    address: "127.0.0.1:0",
    group: "default",
    driver: { type: "coordination.in-memory", metadata: {} },
    ...more,
  };
}

/** A runtime in which no time passes but what a test lets pass. */
export function jobRuntime(
  clock: FakeClock = fakeClock(),
  manifests: readonly Manifest[] = [coordination],
): JobRuntime {
  const log = keptLog();
  const platform = {
    clock,
    log,
    fetch: () => Promise.reject(new Error("no network here")),
    env: {},
    host: { address: "10.0.0.1", name: "host" },
    binding: () => undefined,
    background: () => {},
  } as Platform;
  const runtime = createRuntime({ platform, target: "node", manifests });
  const surface = createGrpc(
    runtime.run,
    grpcBlocks.map((bind) => boundTo(runtime.services, bind)),
    log,
  );
  return {
    clock,
    log,
    runtime,
    warnings: () => log.of("warn").filter((line) => /\bjobs?\b/i.test(line)),
    app: async ({ hasChannel = true, ...options } = {}) => {
      let answer: (call: SeenCall) => FakeAnswer | Promise<FakeAnswer> = () => ({});
      const channel = recordingChannel((call) => answer(call));
      const hosted = await runtime.addApp({
        appId: "app",
        namespace: "",
        ...(hasChannel ? { channel } : {}),
        resources: [],
        configuration: mergeConfigurations([]),
        apiTokens: [],
        limits: { maxBodyBytes: 4_194_304 },
        bindingProbeMs: 100,
        disableInitEndpoints: ["config", "subscribe"],
        coordination: jobsInMemory(),
        shutdown: () => {},
        ...options,
      });
      await hosted.start();
      await clock.advance(0);
      const { app } = hosted;
      return Object.assign(hosted, {
        seen: channel.seen,
        runs: (name: string) => channel.to(`/job/${name}`),
        http: async (method: string, name: string, body?: unknown): Promise<ApiReply> => {
          const text = typeof body === "string" ? body : JSON.stringify(body);
          const request = new Request("http://localhost/", {
            method,
            ...(text === undefined ? {} : { body: text }),
          });
          const target = `/v1.0/jobs/${name}`;
          const response = await runtime.fetch(request, { app, target, rawHeaders: [] });
          const answered = await response.text();
          return {
            status: response.status,
            text: answered,
            get json() {
              return JSON.parse(answered) as Record<string, unknown>;
            },
          };
        },
        grpc: grpcClient(app, {}, [], surface),
        answer: (next: typeof answer) => {
          answer = next;
        },
      });
    },
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}
