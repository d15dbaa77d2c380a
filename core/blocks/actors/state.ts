import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { App } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { ActorName } from "#core/ports/actor-host.ts";
import { type CallOptions, type Data, type Metadata, noMetadata } from "#core/ports/component.ts";
import type { Fence, StateItem, StateOp, StateStore } from "#core/ports/state-store.ts";
import { jsonTypeOf } from "#core/util/json.ts";
import type { ActiveActor } from "./active-actors.ts";
import { actorStore } from "./actor-store.ts";
import { appActors, type Hosting } from "./app-actors.ts";
import { actorError, type actorErrors } from "./errors.ts";
import { actorFacts } from "./facts.ts";
import { checkPlacement } from "./invoke.ts";
import { checkReserved } from "./names.ts";
import { claimElsewhere } from "./owned-elsewhere.ts";

export interface GetActorState extends ActorName {
  readonly key: string;
}
/** One operation as it was asked for; what is wrong with it shows when it is carried out. */
export interface ActorStateOp {
  readonly operation: string;
  readonly request:
    | {
        readonly key: string;
        /** JSON text, or bytes that are kept as they are. */
        readonly value: Data;
        readonly etag?: string;
        readonly metadata: Readonly<Record<string, unknown>>;
      }
    | undefined;
}
export interface TransactActorState extends ActorName {
  readonly operations: readonly ActorStateOp[];
}

export interface ActorStateOperations {
  readonly get: Operation<GetActorState, StateItem | undefined>;
  readonly transact: Operation<TransactActorState, void>;
}
export const actorState: RuntimePart<ActorStateOperations> = {
  name: "actors.state",
  create: (services) => ({
    get: defineOperation("actors.get_state", actorFacts("GetActorState"), (call, input) =>
      get(call, input, services),
    ),
    transact: defineOperation(
      "actors.transact_state",
      actorFacts("ExecuteActorStateTransaction"),
      (call, input) => transact(call, input, services),
    ),
  }),
};

const noStore =
  'the state store is not configured to use the actor runtime. Have you set the - name: actorStateStore value: "true" in your state store component file?';

async function get(
  call: Call,
  { type, id, key }: GetActorState,
  services: RuntimeServices,
): Promise<StateItem | undefined> {
  checkPlacement(call);
  checkReserved(type);
  const { app } = call;
  await services.part(appActors)(app).ready(call);
  const store = actorStore(app);
  if (!store) throw actorError("ERR_ACTOR_RUNTIME_NOT_FOUND", noStore);
  try {
    const active = activeOf(app, { type, id }, services);
    if (active) await raise(store, active, call);
    else if (store.fenced) {
      const claim = await claimElsewhere(app, { type, id }, services, call);
      if (claim) await store.fenced.raise(scopeOf(app, { type, id }, claim.fence), call);
    }
    const metadata = { partitionKey: prefixOf(app, type, id) };
    const reads = [{ key: keyOf(app, type, id, key), metadata }];
    return (await store.read(reads, call))[0];
  } catch (reason) {
    throw actorError("ERR_ACTOR_STATE_GET", `error getting actor state: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
}

async function transact(
  call: Call,
  { type, id, operations }: TransactActorState,
  services: RuntimeServices,
): Promise<void> {
  checkPlacement(call);
  checkReserved(type);
  const { app } = call;
  await services.part(appActors)(app).ready(call);
  const active = activeOf(app, { type, id }, services);
  const claim = active ? undefined : await foreignClaim(call, { type, id }, services);
  if (!active && !claim)
    throw actorError("ERR_ACTOR_INSTANCE_MISSING", "actor instance is missing");
  const store = actorStore(app);
  if (!store) throw actorError("ERR_ACTOR_RUNTIME_NOT_FOUND", noStore);
  const ops = operations.map((each) => readOp(app, type, id, each));
  if (ops.length === 0) return;
  try {
    const most = await store.maxTransactionOperations?.(call);
    if (most !== undefined && ops.length > most)
      throw new Error("the transaction contains more operations than supported by the state store");
    if (active) await write(store, active, ops, call);
    else if (claim) await writeFenced(store, ops, scopeOf(app, { type, id }, claim.fence), call);
  } catch (reason) {
    throw saveError(messageOf(reason), reason);
  }
}

interface Active {
  readonly actor: ActiveActor;
  readonly hosting: Hosting;
}
function activeOf(
  app: App,
  { type, id }: ActorName,
  services: RuntimeServices,
): Active | undefined {
  const { owning: hosting } = services.part(appActors)(app);
  const actor = hosting?.actors.get(type)?.get(id);
  return hosting && actor && { actor, hosting };
}

/** Makes the claim known to the store before its state is first read, so that former owners write no more. */
async function raise(
  store: StateStore,
  { actor, hosting }: Active,
  options: CallOptions,
): Promise<void> {
  if (actor.isKnownToStore || !store.fenced) return;
  await store.fenced.raise(fenceOf(actor, hosting), options);
  actor.isKnownToStore = true;
}
async function write(
  store: StateStore,
  { actor, hosting }: Active,
  ops: readonly StateOp[],
  options: CallOptions,
): Promise<void> {
  try {
    await writeFenced(store, ops, fenceOf(actor, hosting), options);
    actor.isKnownToStore = true;
  } catch (reason) {
    if (ComponentError.is(reason) && reason.kind === "fenced") hosting.evict(actor);
    throw reason;
  }
}
async function writeFenced(
  store: StateStore,
  ops: readonly StateOp[],
  fence: Fence,
  options: CallOptions,
): Promise<void> {
  if (!store.transact) throw new Error(noStore);
  await (store.fenced ? store.fenced.transact(ops, fence, options) : store.transact(ops, options));
}
function fenceOf({ type, id, fence }: ActiveActor, { lease }: Hosting): Fence {
  return scopeOf(lease.member, { type, id }, fence);
}
function scopeOf(
  { namespace }: Pick<App, "namespace">,
  { type, id }: ActorName,
  fence: number,
): Fence {
  return { scope: JSON.stringify([namespace, type, id]), fence };
}
/** The actor is active in another process that hosts this replica of the app. */
function foreignClaim(
  call: Call,
  actor: ActorName,
  services: RuntimeServices,
): ReturnType<typeof claimElsewhere> {
  return claimElsewhere(call.app, actor, services, call).catch((reason: unknown) => {
    throw saveError(messageOf(reason), reason);
  });
}

function readOp(app: App, type: string, id: string, { operation, request }: ActorStateOp): StateOp {
  if (operation === "") throw saveError("operation is empty");
  if (operation !== "upsert" && operation !== "delete")
    throw saveError(`operation type ${operation} not supported`, undefined, "unsupported");
  if (!request) throw saveError("request data is empty");
  if (request.key === "") throw saveError("missing key");
  const key = keyOf(app, type, id, request.key);
  const metadata = { ...metadataOf(app, request.metadata), partitionKey: prefixOf(app, type, id) };
  const etag = request.etag === undefined ? {} : { etag: request.etag };
  return operation === "delete"
    ? { op: "delete", key, ...etag, metadata }
    : { op: "put", key, value: request.value, ...etag, metadata };
}

/** Dapr: time to live only with its feature, and as a text. */
function metadataOf(app: App, given: Readonly<Record<string, unknown>>): Metadata {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string")
      throw saveError(
        `1 error(s) decoding:\n\n* 'Metadata[${name}]' expected type 'string', got unconvertible type '${goTypeOf(value)}', value: '${String(value)}'`,
      );
    if (name === "ttlInSeconds" && !app.policies.enabledFeatures?.includes("ActorStateTTL"))
      throw saveError(`ttlInSeconds is not supported without the "ActorStateTTL" feature enabled`);
    out[name] = value;
  }
  return Object.keys(out).length === 0 ? noMetadata : out;
}
function goTypeOf(value: unknown): string {
  const type = jsonTypeOf(value);
  return type === "number" ? "float64" : type;
}

function saveError(message: string, cause?: unknown, kind?: "unsupported"): Error {
  const code: keyof typeof actorErrors = "ERR_ACTOR_STATE_TRANSACTION_SAVE";
  const text = `error saving actor transaction state: ${message}`;
  return kind === "unsupported"
    ? actorError("UNSUPPORTED_OPERATION", text, {
        cause,
        overGrpc: {
          message,
          details: [
            { type: "ErrorInfo", reason: "ERR_NOT_SUPPORTED_STATE_OPERATION", metadata: {} },
          ],
        },
      })
    : actorError(code, text, { cause });
}

function prefixOf({ appId }: App, type: string, id: string): string {
  return `${appId}||${type}||${id}`;
}
function keyOf(app: App, type: string, id: string, key: string): string {
  return `${prefixOf(app, type, id)}||${key}`;
}
