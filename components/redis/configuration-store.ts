import { ComponentError } from "#core/errors/component-error.ts";
import { type CallOptions, noMetadata } from "#core/ports/component.ts";
import type {
  ConfigurationItem,
  ConfigurationItems,
  ConfigurationStore,
} from "#core/ports/configuration-store.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { changeReports } from "./change-reports.ts";
import { connect, type RedisConnection } from "./connection.ts";
import { openKeyspace } from "./keyspace.ts";
import { configuration } from "./manifest.ts";
import { scanKeys } from "./scan.ts";
import { readSettings } from "./settings.ts";

/** What one request may bring into memory. */
const mostKeys = 100_000;
const mostCharacters = 67_108_864;
/** Keys that are asked for side by side. */
const batchSize = 500;

export async function open(spec: ComponentSpec, { clock, log }: Host): Promise<ConfigurationStore> {
  const settings = readSettings(spec, configuration.options);
  const deps = { clock, log, component: spec.name };
  const connection = await connect(settings, deps);
  const keyspace = openKeyspace(settings, connection, deps);
  const closing = new AbortController();

  return {
    get: async (keys, _metadata, options) => {
      const wanted = keys.length > 0 ? keys : await allKeys(connection, options);
      return itemsOf(await readValues(connection, wanted, options));
    },
    watch: async (keys, _metadata, changed, { signal }) => {
      if (settings.mode === "cluster")
        throw new ComponentError(
          "unsupported",
          "changes in a Redis cluster cannot be watched: each node reports only its own keys",
        );
      const options = { signal: AbortSignal.any([signal, closing.signal]) };
      const reports = changeReports(
        {
          known: await readValues(connection, keys, options),
          read: (key, call) => readValue(connection, key, call),
          report: (key, value) => changed(Object.fromEntries([[key, itemOf(value ?? "")]])),
          ...deps,
        },
        options,
      );
      await keyspace.watch(keys, reports, options);
    },
    ping: async (options) => {
      await connection.send(["PING"], options);
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new ComponentError("unavailable", "the component is closed"));
      keyspace.close();
      connection.close();
    },
  };
}

/** By key; `undefined` for what is not there, or is not a string. */
async function readValues(
  connection: RedisConnection,
  keys: readonly string[],
  options: CallOptions,
): Promise<ReadonlyMap<string, string | undefined>> {
  if (keys.length > mostKeys)
    throw new ComponentError("rejected", `more than ${mostKeys} keys at once; ask for fewer`);
  const values = new Map<string, string | undefined>();
  let characters = 0;
  for (let at = 0; at < keys.length; at += batchSize) {
    const batch = keys.slice(at, at + batchSize);
    const found = await Promise.all(batch.map((key) => readValue(connection, key, options)));
    batch.forEach((key, i) => {
      values.set(key, found[i]);
      characters += found[i]?.length ?? 0;
    });
    if (characters > mostCharacters)
      throw new ComponentError(
        "rejected",
        `the items hold more than ${mostCharacters} characters; ask for fewer keys`,
      );
  }
  return values;
}

async function readValue(
  connection: RedisConnection,
  key: string,
  options: CallOptions,
): Promise<string | undefined> {
  try {
    const value = await connection.send(["GET", key], options, key);
    return value instanceof Buffer ? value.toString() : undefined;
  } catch (reason) {
    if (ComponentError.is(reason) && reason.message.startsWith("WRONGTYPE")) return undefined;
    options.signal.throwIfAborted();
    throw failedToRead(key, reason);
  }
}
function failedToRead(key: string, cause: unknown): ComponentError {
  const { kind, message } = cause as ComponentError;
  return new ComponentError(
    kind,
    `fail to get configuration for redis key=${key}, error is ${message}`,
    { cause },
  );
}

/** Dapr: asks with KEYS, which holds the server up; and every key of the database is meant. */
async function allKeys(
  connection: RedisConnection,
  options: CallOptions,
): Promise<readonly string[]> {
  const keys = new Set<string>();
  for await (const found of scanKeys(connection, "*", options)) {
    for (const key of found) keys.add(key);
    if (keys.size > mostKeys)
      throw new ComponentError(
        "rejected",
        `the database has more than ${mostKeys} keys; ask for those that you need`,
      );
  }
  return [...keys];
}

function itemsOf(values: ReadonlyMap<string, string | undefined>): ConfigurationItems {
  const items: Array<readonly [string, ConfigurationItem]> = [];
  for (const [key, text] of values) {
    const item = itemOf(text ?? "");
    // Dapr: an item without a value counts as missing.
    if (item.value !== "") items.push([key, item]);
  }
  return Object.fromEntries(items);
}

/** `value||version`; Dapr: what follows a second `||` is left out. */
function itemOf(text: string): ConfigurationItem {
  const [value = "", version = ""] = text.split("||", 2);
  return { value, version, metadata: noMetadata };
}
