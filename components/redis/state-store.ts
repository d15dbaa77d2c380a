import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Fence, StateItem, StateOp, StateStore } from "#core/ports/state-store.ts";
import { likeMatcher } from "../_shared/like.ts";
import { ttlSeconds, type TtlStyle } from "../_shared/ttl.ts";
import { optionsOf } from "#components/_shared/options.ts";
import type { Argument } from "./client.ts";
import { connect, type RedisConnection } from "./connection.ts";
import { state } from "./manifest.ts";
import { countReplicas } from "./replicas.ts";
import { scanKeys } from "./scan.ts";
import { runScript } from "./script.ts";
import { applyFencedChanges } from "./fenced-changes.ts";
import { readSettings } from "./settings.ts";
import { applyChanges } from "./state-scripts.ts";
import { bytesOf } from "./bytes.ts";

/** Dapr: a write that the replicas do not confirm in this time counts as written. */
const replicasTimeoutMs = "1000";

export async function open(spec: ComponentSpec, { clock, log }: Host): Promise<StateStore> {
  const settings = readSettings(spec, state.options);
  const defaultTtl = optionsOf(spec, state.options).number("ttlInSeconds");
  const connection = await connect(settings, { clock, log, component: spec.name });
  const replicas = settings.mode === "cluster" ? 0 : await countReplicas(connection);

  async function apply(
    ops: readonly StateOp[],
    options: CallOptions,
    fence?: Fence,
  ): Promise<void> {
    const args: Argument[] = [];
    for (const op of ops) pushChange(args, op, defaultTtl);
    const keys = ops.map(({ key }) => key);
    const refused = fence
      ? await applyFencedChanges(connection, fence, keys, args, options)
      : await runScript(connection, applyChanges, keys, args, options);
    const refusedOp = ops[Number(refused) - 1];
    if (refusedOp) throw refusalOf(refusedOp);
    // WAIT is about the writes of its own connection, so it goes the same way.
    if (replicas > 0 && ops.some(({ consistency }) => consistency === "strong"))
      await connection.send(["WAIT", String(replicas), replicasTimeoutMs], options, keys[0]);
  }

  return {
    features: ["ETAG", "TTL"],
    read: (reads, options) =>
      Promise.all(reads.map(({ key }) => readOne(connection, key, options))),
    write: (op, options) => apply([op], options),
    // Dapr: sends a MULTI of one script per change, and what is not refused stays applied. Here a transaction
    // is one script that checks everything first. In a cluster its keys have to share a slot, as there.
    transact: async (ops, options) => {
      if (ops.length > 0) await apply(ops, options);
    },
    // In a cluster a fence and what it guards would have to share a slot, which names of actors say nothing of.
    ...(settings.mode === "cluster"
      ? {}
      : {
          fenced: {
            raise: (fence: Fence, options: CallOptions) => apply([], options, fence),
            transact: (ops: readonly StateOp[], fence: Fence, options: CallOptions) =>
              apply(ops, options, fence),
          },
        }),
    keysLike: (pattern, options) => keysLike(connection, pattern, options),
    ping: async (options) => {
      await connection.send(["PING"], options);
    },
    [Symbol.asyncDispose]: async () => connection.close(),
  };
}

async function readOne(
  connection: RedisConnection,
  key: string,
  options: CallOptions,
): Promise<StateItem | undefined> {
  try {
    return itemOf(await connection.send(["HGETALL", key], options, key));
  } catch (reason) {
    if (!ComponentError.is(reason) || !reason.message.startsWith("WRONGTYPE")) throw reason;
    // Written by someone else, as a plain string.
    const value = await connection.send(["GET", key], options, key);
    return value instanceof Buffer ? { value } : undefined;
  }
}

/** Names and values in turn. */
function itemOf(fields: unknown): StateItem | undefined {
  if (!Array.isArray(fields) || fields.length === 0) return undefined;
  let data: Buffer | undefined;
  let version: string | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = String(fields[i]);
    if (name === "data") data = fields[i + 1] as Buffer;
    else if (name === "version") version = String(fields[i + 1]);
  }
  if (data === undefined || version === undefined)
    throw new ComponentError("rejected", "required hash field 'data' or 'version' was not found");
  return { value: data, etag: version };
}

const ttlStyle: TtlStyle = {
  by: "ParseInt",
  before: "failed to parse ttl from metadata: ",
  bounded: false,
};

function pushChange(args: Argument[], op: StateOp, defaultTtl: number | undefined): void {
  // Dapr: "0" stands for no etag, so an etag "0" is none either.
  const etag = op.etag === undefined || op.etag === "" ? "0" : op.etag;
  if (op.op === "delete") {
    args.push("delete", etag, "", "", "");
    return;
  }
  // Dapr: last-write does not look at the etag, not even whether it is one.
  const expected = op.concurrency === "last-write" ? "0" : etag;
  const ttl = ttlSeconds(op.metadata, ttlStyle) ?? defaultTtl;
  const guarded = op.concurrency === "first-write" ? "1" : "";
  args.push(
    "put",
    versionOf(expected),
    bytesOf(op.value),
    guarded,
    ttl === undefined ? "" : String(ttl),
  );
}

function versionOf(etag: string): string {
  if (etag === "0") return etag;
  const value = Number(etag);
  const quoted = JSON.stringify(etag);
  if (!/^[-+]?\d+$/.test(etag))
    throw new ComponentError("etag-invalid", `strconv.Atoi: parsing ${quoted}: invalid syntax`);
  if (!Number.isSafeInteger(value))
    throw new ComponentError("etag-invalid", `strconv.Atoi: parsing ${quoted}: value out of range`);
  return String(value);
}

/** Dapr: an insert that is refused had no etag that could be wrong, so it is not a conflict but a failure. */
function refusalOf({ op, key, etag }: StateOp): ComponentError {
  if (op === "delete") return new ComponentError("etag-mismatch", `failed to delete ${key}`);
  const isConflict = etag !== undefined && etag !== "";
  return new ComponentError(isConflict ? "etag-mismatch" : "rejected", `failed to set key ${key}`);
}

async function keysLike(
  connection: RedisConnection,
  pattern: string,
  options: CallOptions,
): Promise<readonly string[]> {
  if (pattern === "") throw new ComponentError("rejected", "the pattern is empty; give at least %");
  const fits = likeMatcher(pattern);
  const glob = globOf(pattern);
  const keys = new Set<string>();
  for await (const found of scanKeys(connection, glob, options))
    for (const key of found) if (fits(key)) keys.add(key);
  return [...keys].sort();
}

/** A glob that finds at least what the pattern finds. Redis' `?` is one byte, not one character, so it is not used. */
function globOf(pattern: string): string {
  let glob = "";
  for (let i = 0; i < pattern.length; i++) {
    let char = pattern[i] as string;
    if (char === "%" || char === "_") {
      if (!glob.endsWith("*") || glob.endsWith("\\*")) glob += "*";
      continue;
    }
    if (char === "\\" && i + 1 < pattern.length) char = pattern[++i] as string;
    glob += "*?[]^-\\".includes(char) ? `\\${char}` : char;
  }
  return glob;
}
