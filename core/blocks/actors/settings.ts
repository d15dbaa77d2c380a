import { parseDuration } from "#core/util/duration.ts";
import { isRecord } from "#core/util/json.ts";

/** How actors of one type are run. */
export interface ActorTypeSettings {
  /** Without a turn for so long, an actor is deactivated. */
  readonly idleMs: number;
  /** How long a turn may go on when its actor has to leave because its host ends. */
  readonly drainMs: number;
  /** False: such turns are cancelled at once. */
  readonly drains: boolean;
  /** Calls of one chain that may be inside an actor at once; `undefined`: the type is not reentrant. */
  readonly maxStackDepth: number | undefined;
}
/** The hosted types of an app. */
export type HostedTypes = ReadonlyMap<string, ActorTypeSettings>;

/** The members of `GET /dapr/config`, and of the first message of a gRPC host, with durations in milliseconds. */
export interface ActorConfiguration extends ActorDefaults {
  readonly entities: readonly string[];
  readonly entitiesConfig: ReadonlyArray<ActorDefaults & { readonly entities: readonly string[] }>;
}
export interface ActorDefaults {
  readonly idleMs?: number | undefined;
  readonly drainMs?: number | undefined;
  readonly drains?: boolean | undefined;
  readonly reentrancy?: { readonly enabled: boolean; readonly maxStackDepth?: number | undefined };
}

const defaultIdleMs = 3_600_000;
const defaultDrainMs = 2000;
const defaultStackDepth = 32;
/** Dapr: no more than four fifths of the 30 s in which its placement tells everybody. */
const mostDrainMs = 30_000;

/** Dapr: what an entry leaves out takes the default, not what is said for all types. */
export function hostedTypes(configuration: ActorConfiguration): HostedTypes {
  const types = new Map<string, ActorTypeSettings>();
  for (const type of configuration.entities) {
    const own = configuration.entitiesConfig.findLast(({ entities }) => entities.includes(type));
    types.set(type, settingsOf(own ?? configuration));
  }
  return types;
}

function settingsOf({ idleMs, drainMs, drains, reentrancy }: ActorDefaults): ActorTypeSettings {
  const drain = drainMs ?? defaultDrainMs;
  return {
    idleMs: idleMs ?? defaultIdleMs,
    drainMs: drain >= mostDrainMs ? Math.max(defaultDrainMs, mostDrainMs * 0.8) : drain,
    drains: drains ?? true,
    maxStackDepth: reentrancy?.enabled
      ? (reentrancy.maxStackDepth ?? defaultStackDepth)
      : undefined,
  };
}

/**
 * Reads the answer of `GET /dapr/config`; what it does not know it ignores. Throws for a duration for all types that is
 * not one; of an entry it is told to `warn`, and the default counts.
 */
export function readConfiguration(
  value: unknown,
  warn: (message: string) => void,
): ActorConfiguration {
  const top = isRecord(value) ? value : {};
  const entries = Array.isArray(top["entitiesConfig"])
    ? top["entitiesConfig"].filter(isRecord)
    : [];
  return {
    entities: texts(top["entities"]),
    ...defaultsIn(top, (message) => {
      throw new Error(message);
    }),
    entitiesConfig: entries.map((entry) => ({
      entities: texts(entry["entities"]),
      ...defaultsIn(entry, warn),
    })),
  };
}

function defaultsIn(
  from: Readonly<Record<string, unknown>>,
  fault: (message: string) => void,
): ActorDefaults {
  const duration = (name: string): number | undefined => {
    const text = from[name];
    if (text === undefined || text === null || text === "") return undefined;
    const ms = typeof text === "string" ? parseDuration(text) : undefined;
    if (ms === undefined)
      fault(`${name} of the app's configuration is not a duration: ${JSON.stringify(text)}`);
    return ms;
  };
  const reentrancy = from["reentrancy"];
  const drains = from["drainRebalancedActors"];
  const depth = isRecord(reentrancy) ? reentrancy["maxStackDepth"] : undefined;
  return {
    idleMs: duration("actorIdleTimeout"),
    drainMs: duration("drainOngoingCallTimeout"),
    drains: typeof drains === "boolean" ? drains : undefined,
    ...(isRecord(reentrancy)
      ? {
          reentrancy: {
            enabled: reentrancy["enabled"] === true,
            maxStackDepth: typeof depth === "number" ? depth : undefined,
          },
        }
      : {}),
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
