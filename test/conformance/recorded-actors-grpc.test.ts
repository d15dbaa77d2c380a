import { beforeAll, describe } from "vitest";
import { actorResources } from "#test/support/actor-resources.ts";
import { coordinatedNode } from "#test/support/coordinated-node.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { normalised } from "./player.ts";
import { asOurs } from "./recorded-actors.ts";
import { RecordedApp, type Scenario } from "./recorded-app.ts";
import { expectAsRecorded, readRecorded } from "./recorded-durable.ts";
import { parsedBody, type RecordedRpc, requestOf, shown, wantedRpc } from "./recorded-rpc.ts";

/** Time in which the app could be called once too often. */
const settleMs = 1200;

/** What a real daprd 1.18 answered to the unary rpcs of actors, and what the HTTP app behind it saw. */
describe("recorded daprd, actors over gRPC", () => {
  const steps = readRecorded<readonly RecordedRpc[]>("grpc.daprd-1.18.json").filter(
    ({ name }) => !name.startsWith("job"),
  );
  const ours = new Map<string, object>();

  beforeAll(async () => {
    await using node = coordinatedNode({ speed: 4, resources: actorResources });
    const { wait } = node.clock;
    await using app = await RecordedApp.listen(withoutCalls(), wait);
    const served = [
      await node.serve("app", { port: app.port, protocol: "http" }),
      await node.serve("other", undefined, { apart: true }),
    ];
    const clients = served.map(({ grpcPort }) => wireClient(grpcPort));
    for (const { name, via = 0, method, request, appSaw } of steps) {
      app.take();
      const client = clients[via] as (typeof clients)[number];
      const ended = await client.unary(method, requestOf(method, request));
      await app.called(appSaw?.length ?? 0, wait);
      if (/^(?:Register|Unregister)/.test(method)) await wait(settleMs);
      const saw = app.take();
      ours.set(
        name,
        normalised({
          ...withStore(shown(method, ended)),
          ...(saw.length > 0 ? { appSaw: saw.map(parsedBody) } : {}),
        }),
      );
    }
    for (const client of clients) client[Symbol.dispose]();
  }, 60_000);
  expectAsRecorded(
    steps,
    "recorded-actors.txt",
    (step) => wantedRpc(withKnownFields(asOurs(step, step.via === 1))),
    ({ name }) => ours.get(name) as object,
  );
});

/** The app of this recording did not call its runtime. */
function withoutCalls(): Scenario {
  const scenario = readRecorded<Scenario>("actors.scenario.json");
  const answers = Object.entries(scenario.app).map(([path, answer]) => [
    path,
    "call" in answer ? {} : answer,
  ]);
  return { ...scenario, app: Object.fromEntries(answers) as Scenario["app"] };
}
/** Without what a store in memory tells, and Redis did not. */
function withStore<T extends object>(ended: T): T {
  const text = JSON.stringify(ended)
    .replace(/"ttlExpireTime":"[^"]*"/, "")
    .replace(/"port":\d+/, '"port":"<port>"');
  return JSON.parse(text) as T;
}
/** Without lists that are empty, and that the SDK's messages do not have. */
function withKnownFields<T>(step: T): T {
  const unknown = ["mcpServers", "resiliencies", "workflowAccessPolicies"];
  return JSON.parse(JSON.stringify(step), (key, value: unknown) =>
    unknown.includes(key) && Array.isArray(value) && value.length === 0 ? undefined : value,
  ) as T;
}
