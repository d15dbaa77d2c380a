import type { App } from "#core/kernel/app.ts";
import type { AppOptions } from "./app-options.ts";
import { type AppInstance, hostApp } from "./app-instance.ts";
import { createAppInstances } from "./app-instances.ts";
import { createHttp, type HttpSurface } from "#core/wire/http/surface.ts";
import { yieldToEventLoop } from "#core/gate/yield-to-event-loop.ts";
import { createLoopShare } from "#core/budget/loop-share.ts";
import { createBadTokens } from "#core/identity/bad-tokens.ts";
import { createInstances } from "./instances.ts";
import { type Invoke, invocation } from "#core/blocks/invoke/operations.ts";
import { compose, type Layer, type Operation, type Run } from "#core/kernel/operation.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Manifest, Target } from "#core/ports/manifest.ts";
import type { AppRef, Platform, PlainResponse } from "#core/ports/platform.ts";
import type { Ack, Message } from "#core/ports/pub-sub.ts";
import { deliverTo } from "#core/blocks/pubsub/deliver-to.ts";
import type { AppBlock } from "#core/blocks/_shared/define-block.ts";
import { blocks } from "./blocks.gen.ts";
import { createRegistry } from "./registry.ts";
import { createServices, type RuntimeServices } from "#core/kernel/runtime-services.ts";
import { environmentOf } from "#core/resources/values.ts";
import { measuredOperations } from "#core/gate/measured-operations.ts";
import { scopedLog } from "#core/telemetry/scoped-log.ts";

export interface RuntimeOptions {
  readonly platform: Platform;
  readonly target: Target;
  readonly manifests: readonly Manifest[];
  /** Around every operation, outermost first. */
  readonly layers?: readonly Layer[];
}

/** Where a pushed message comes from, and whose it is. */
export interface Source {
  readonly app: App;
  readonly component: string;
  readonly topic: string;
}

/** One runtime, many apps. Every platform event ends in one of its calls; a target is the code that translates. */
export interface Runtime extends AsyncDisposable {
  /** Opens the app's components; rejects when that is asked for and one cannot start, and for an instance that is there already. */
  addApp(options: AppOptions): Promise<AppInstance>;
  /** One of the app's replicas here, in turn. */
  find(app: AppRef): App | undefined;
  /** The HTTP API. Who calls is the target's finding, never the request's claim. */
  readonly fetch: HttpSurface;
  /** Runs an operation inside the layers; what other surfaces are made with. */
  readonly run: Run;
  /** What blocks are bound with. */
  readonly services: RuntimeServices;
  /** Calls another app, an HTTPEndpoint or a URL. */
  readonly invoke: Operation<Invoke, PlainResponse>;
  /** A broker or a trigger has messages for a topic. */
  deliver(
    source: Source,
    messages: readonly Message[],
    options: CallOptions,
  ): Promise<readonly Ack[]>;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { platform } = options;
  const apps = createAppInstances<AppInstance>();
  const registry = createRegistry(options.manifests, options.target);
  const contrib = {
    ...platform,
    env: environmentOf(platform),
    log: scopedLog(platform.log, "dapr.contrib"),
  };
  const loop = createLoopShare(platform.clock, platform.loopActiveMs);
  const badTokens = createBadTokens(platform.clock);
  const instances = createInstances(contrib, platform.clock);
  const { find } = apps;
  const services = createServices(platform, find);
  const turns = platform.turn ? [yieldToEventLoop(platform.turn)] : [];
  const run = compose([measuredOperations, ...turns, ...(options.layers ?? [])]);
  const blocksFor = (app: App): readonly AppBlock[] =>
    blocks.flatMap(({ forApp }) => forApp?.(app, services) ?? []);
  const fetch = createHttp(
    run,
    blocks.flatMap(({ http }) => http.map((bind) => (routes) => bind(routes, services))),
    platform.log,
  );
  return {
    find,
    fetch,
    run,
    services,
    invoke: services.part(invocation),
    addApp: async (app) => {
      const refuseTwice = (): void => {
        if (apps.has(app, app.instance ?? ""))
          throw new Error(`App "${app.appId}" is already hosted here; app ids must be unique`);
      };
      refuseTwice();
      const hosted = await hostApp(
        app,
        { registry, instances, platform, badTokens, loop, blocksFor },
        (gone) => apps.remove(gone),
      );
      try {
        // Another of the same id may have come while this one opened its components.
        refuseTwice();
      } catch (reason) {
        await hosted[Symbol.asyncDispose]();
        throw reason;
      }
      apps.add(hosted);
      return hosted;
    },
    deliver: ({ app, component, topic }, messages, call) =>
      deliverTo(app, { component, topic }, messages, call),
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(apps.all.map((app) => app[Symbol.asyncDispose]()));
    },
  };
}
