// An app of the official JavaScript SDK, as a user writes it: actors, and handlers of jobs.
// Environment: APP_PORT, and DAPR_HTTP_PORT and DAPR_GRPC_PORT, as the runtime sets them.
import type { ServerResponse } from "node:http";
import {
  AbstractActor,
  ActorId,
  ActorProxyBuilder,
  CommunicationProtocolEnum,
  DaprClient,
  DaprServer,
  HttpMethod,
  LogLevel,
  Temporal,
} from "@dapr/dapr";

const port = process.env["APP_PORT"] ?? "3000";
/** What this process has seen, beyond what actors return. */
const seen: string[] = [];
const overGrpc = process.env["SDK_PROTOCOL"] === "grpc";
/** Over gRPC the SDK writes durations as ISO 8601, of which Dapr takes whole seconds. */
const quick = Temporal.Duration.from(overGrpc ? { seconds: 1 } : { milliseconds: 200 });

export class Counter extends AbstractActor {
  async count(by = 1): Promise<number> {
    const state = this.getStateManager<number>();
    const [, value] = await state.tryGetState("count");
    const next = (value ?? 0) + by;
    await state.setState("count", next);
    return next;
  }
  /** Without parameters: the SDK's body parser cannot read those of callers over gRPC. */
  async increment(): Promise<number> {
    return this.count(1);
  }
  /** Calls another actor, twice. */
  async passOn(): Promise<number> {
    const counters = new ActorProxyBuilder<Counter>(Counter, this.getDaprClient());
    const next = counters.build(new ActorId(`${this.getActorId().getId()}-next`));
    await next.count(1);
    return next.count(1);
  }
  async where(): Promise<string> {
    return port;
  }
  async fail(): Promise<void> {
    throw new Error("out of stock");
  }
  override async onActivate(): Promise<void> {
    seen.push(`activated ${this.getActorId().getId()}`);
  }
  override async onDeactivate(): Promise<void> {
    seen.push(`deactivated ${this.getActorId().getId()}`);
  }
}

export class Cart extends AbstractActor {
  async fill(): Promise<unknown> {
    const state = this.getStateManager<unknown>();
    const before = await state.containsState("items");
    await state.setState("items", [{ sku: "lamp", n: 2 }]);
    await state.setState("owner", "Zoë");
    await state.addOrUpdateState("visits", 1, (_, visits) => Number(visits) + 1);
    return { before, after: await state.containsState("items") };
  }
  async show(): Promise<unknown> {
    const state = this.getStateManager<unknown>();
    const [hasCoupon] = await state.tryGetState("coupon");
    return {
      items: await state.getState("items"),
      owner: await state.getState("owner"),
      visits: await state.getOrAddState("visits", 0),
      hasCoupon,
    };
  }
  async empty(): Promise<boolean> {
    return this.getStateManager().tryRemoveState("items");
  }
  async hasItems(): Promise<boolean> {
    return this.getStateManager().containsState("items");
  }
  async missing(): Promise<unknown> {
    return this.getStateManager().getState("coupon");
  }
}

export class Alarm extends AbstractActor {
  #rings: unknown[] = [];
  #ticks: unknown[] = [];

  async setTimer(): Promise<void> {
    await this.registerActorTimer("tick", "tick", quick, quick, undefined, "tock");
  }
  async stopTimer(): Promise<void> {
    await this.unregisterActorTimer("tick");
  }
  async tick(data: unknown): Promise<void> {
    this.#ticks.push(data);
  }
  async setReminder(): Promise<void> {
    await this.registerActorReminder("ring", quick, quick, undefined, "wake up");
  }
  async stopReminder(): Promise<void> {
    await this.unregisterActorReminder("ring");
  }
  override async receiveReminder(data: unknown): Promise<void> {
    this.#rings.push(data);
    const state = this.getStateManager<number>();
    await state.addOrUpdateState("rings", 1, (_, rings) => Number(rings) + 1);
    seen.push(`rings ${this.getActorId().getId()}`);
  }
  async rings(): Promise<readonly unknown[]> {
    return this.#rings;
  }
  async ticks(): Promise<readonly unknown[]> {
    return this.#ticks;
  }
  async ringsEver(): Promise<number> {
    const [, rings] = await this.getStateManager<number>().tryGetState("rings");
    return rings ?? 0;
  }
  async where(): Promise<string> {
    return port;
  }
}

/** The same, of a client over gRPC. */
export class Clock extends Alarm {}

async function serve(): Promise<void> {
  const clientOptions = {
    daprHost: "127.0.0.1",
    daprPort: process.env[overGrpc ? "DAPR_GRPC_PORT" : "DAPR_HTTP_PORT"] ?? "3500",
    communicationProtocol: overGrpc
      ? CommunicationProtocolEnum.GRPC
      : CommunicationProtocolEnum.HTTP,
    logger: { level: LogLevel.Error },
    actor: { actorIdleTimeout: overGrpc ? "1m" : "1s", drainOngoingCallTimeout: "1s" },
  };
  const server = new DaprServer({
    serverHost: "127.0.0.1",
    serverPort: port,
    clientOptions,
    logger: { level: LogLevel.Error },
  });
  await server.actor.init();
  for (const actor of overGrpc ? [Clock] : [Counter, Cart, Alarm])
    await server.actor.registerActor<AbstractActor>(actor);
  await server.invoker.listen("seen", async () => seen);
  for (const name of ["R2-D2", "every"])
    await server.invoker.listen(
      `job/${name}`,
      async ({ body }) => {
        seen.push(`${name} ${body}`);
      },
      { method: HttpMethod.POST },
    );
  let failures = 0;
  const express = await server.daprServer.getServer();
  express.post("/job/flaky", (_: unknown, response: ServerResponse) => {
    const fails = failures < 2;
    if (fails) failures++;
    else seen.push(`flaky after ${failures} failures`);
    response.writeHead(fails ? 500 : 200).end();
  });
  await server.start();
  if (process.argv[2] !== "try") return;

  // What a user does first.
  const client = new DaprClient(clientOptions);
  const actor = new ActorProxyBuilder<Counter>(Counter, client).build(new ActorId("first"));
  process.stdout.write(`counted ${await actor.count(1)} ${await actor.count(2)}\n`);
  await client.stop();
  await server.stop();
}
await serve();
