import type { StateCipher } from "#core/kernel/outbox.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { Data } from "#core/ports/component.ts";
import type { StateOp, StatePut, StateStore } from "#core/ports/state-store.ts";
import { fromBase64, toBase64 } from "#core/util/base64.ts";
import { bytesOf } from "#core/util/bytes.ts";
import type { NameValue } from "#core/resources/name-value.ts";
import { plainText } from "./plain-text.ts";

interface Key {
  /** Of the secret; stands behind each value, so that the key can be found again. */
  readonly name: string;
  readonly key: CryptoKey;
}

const primary = "primaryEncryptionKey";
const secondary = "secondaryEncryptionKey";
const keyBytes: ReadonlySet<number> = new Set([16, 24, 32]);
const nonceBytes = 12;
const tagBytes = 16;
const separator = "||";
const jsonType = "application/json";
const decoder = new TextDecoder();

/**
 * The cipher that a store's document asks for, if any. `values` are its metadata, secrets looked up, names in
 * lower case. Rejects for keys that cannot be used: a store must never keep in plain what was to be encrypted.
 */
export async function stateCipher(
  store: string,
  pairs: readonly NameValue[],
  values: Readonly<Record<string, string>>,
): Promise<StateCipher | undefined> {
  const keys: Key[] = [];
  for (const name of [primary, secondary]) {
    const pair = pairs.find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (!pair) continue;
    if (!pair.secretKeyRef)
      throw new Error(`metadata "${name}" must refer to a secret: use secretKeyRef`);
    const text = values[name.toLowerCase()] ?? "";
    keys.push({ name: pair.secretKeyRef.name, key: await importKey(name, text) });
    if (name === secondary && keys.length === 1)
      throw new Error(`metadata "${secondary}" needs "${primary}" as well`);
  }
  return keys.length === 0 ? undefined : cipherOf(store, keys);
}

async function importKey(name: string, hex: string): Promise<CryptoKey> {
  const bytes = /^(?:[\da-f]{2})+$/i.test(hex)
    ? Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    : new Uint8Array();
  if (!keyBytes.has(bytes.length))
    throw new Error(`metadata "${name}" must be a key of 16, 24 or 32 bytes, in hex`);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Dapr's format: base64 of nonce, ciphertext and tag, then `||` and the name of the secret. */
function cipherOf(store: string, keys: readonly Key[]): StateCipher {
  const { name, key } = keys[0] as Key;
  const failed = (why: string, cause?: unknown): ComponentError =>
    new ComponentError("rejected", `could not decrypt data for state store ${store}: ${why}`, {
      cause,
    });

  async function decrypt(value: Data): Promise<Data> {
    const text = typeof value === "string" ? value : decoder.decode(value);
    const at = text.lastIndexOf(separator);
    const wanted = at === -1 ? "" : text.slice(at + separator.length);
    if (wanted === "") throw failed("encryption key name not found on record");
    const sealed = base64Bytes(text.slice(0, at));
    if (!sealed || sealed.length < nonceBytes + tagBytes)
      throw failed("the value is not what was encrypted");
    let failure: unknown;
    // Old and new key may stand in one secret.
    for (const candidate of keys)
      if (candidate.name === wanted)
        try {
          const iv = sealed.subarray(0, nonceBytes);
          const secret = sealed.subarray(nonceBytes);
          return new Uint8Array(
            await crypto.subtle.decrypt({ name: "AES-GCM", iv }, candidate.key, secret),
          );
        } catch (reason) {
          failure = reason;
        }
    throw failed(
      failure ? "message authentication failed" : `no key has the name "${wanted}"`,
      failure,
    );
  }

  return {
    seal: async (op) => {
      if (op.op === "delete") return op;
      const iv = crypto.getRandomValues(new Uint8Array(nonceBytes));
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, clearBytes(op));
      const whole = new Uint8Array(nonceBytes + sealed.byteLength);
      whole.set(iv);
      whole.set(new Uint8Array(sealed), nonceBytes);
      return { ...op, value: bytesOf(`${toBase64(whole)}${separator}${name}`) };
    },
    open: async (item) =>
      item.value.length === 0 ? item : { ...item, value: await decrypt(item.value) },
  };
}

function base64Bytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(fromBase64(text));
  } catch {
    return undefined;
  }
}

/** JSON that the caller declared as such stays JSON, over gRPC as it came. */
function clearBytes({ value, metadata }: StatePut): Uint8Array<ArrayBuffer> {
  const asJson = typeof value !== "string" || metadata["contentType"] === jsonType;
  return bytesOf(asJson ? value : plainText(value));
}

/** The same store, whose values nobody reads without the key. Queries are refused, as their answers would be empty. */
export function encryptedStore(port: StateStore, cipher: StateCipher): StateStore {
  const { features } = port;
  const sealAll = <O extends StateOp>(ops: readonly O[]): Promise<readonly O[]> =>
    Promise.all(ops.map((op) => cipher.seal(op)));
  const optional: Pick<
    StateStore,
    | "maxTransactionOperations"
    | "writeMany"
    | "transact"
    | "deleteWithPrefix"
    | "keysLike"
    | "query"
    | "ping"
  > = {
    ...(port.maxTransactionOperations && {
      maxTransactionOperations: async (options) => port.maxTransactionOperations?.(options),
    }),
    ...(port.writeMany && {
      writeMany: async (ops, options) => {
        const sealed = await sealAll<StateOp>(ops);
        await port.writeMany?.(sealed as typeof ops, options);
      },
    }),
    ...(port.transact && {
      transact: async (ops, options) => port.transact?.(await sealAll(ops), options),
    }),
    ...(port.deleteWithPrefix && {
      deleteWithPrefix: async (prefix, options) =>
        (await port.deleteWithPrefix?.(prefix, options)) ?? 0,
    }),
    ...(port.keysLike && {
      keysLike: async (pattern, options) => (await port.keysLike?.(pattern, options)) ?? [],
    }),
    ...(port.query && {
      query: () => Promise.reject(new ComponentError("rejected", "cannot query encrypted store")),
    }),
    ...(port.ping && { ping: async (options) => port.ping?.(options) }),
  };
  return {
    features,
    read: async (reads, options) => {
      const items = await port.read(reads, options);
      return Promise.all(items.map((item) => item && cipher.open(item)));
    },
    write: async (op, options) => port.write(await cipher.seal(op), options),
    ...optional,
    // Whoever opened the store closes it.
    [Symbol.asyncDispose]: async () => {},
  };
}
