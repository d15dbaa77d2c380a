import type { Call } from "#core/kernel/call.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import { decrypt } from "./document/decrypt.ts";
import { encrypt } from "./document/encrypt.ts";
import { cipherOf, keyAlgorithmOf, wrapNonce } from "./document/scheme.ts";
import { operationFailed } from "./errors.ts";
import { providerOf } from "./find-provider.ts";
import { holdBack } from "./hold-back.ts";
import { cryptoFacts } from "./facts.ts";

/** A piece of the result; `seq` counts from 0. */
export interface Part {
  readonly seq: number;
  readonly data: Uint8Array;
}

interface Document {
  readonly component: string;
  /** What comes in. Read as fast as the result is, and ended when the operation is over. */
  readonly document: AsyncGenerator<Uint8Array>;
  /** Bytes of the result that must be there (or its end) before the operation answers; what fails before rejects it. */
  readonly heldBytes: number;
}

export interface EncryptDocument extends Document {
  readonly keyName: string;
  /** One of `dapr.io/enc/v1`, in any letter case; so is the cipher, where empty means AES-GCM. */
  readonly keyWrapAlgorithm: string;
  readonly cipher: string;
  readonly omitKeyName: boolean;
  /** Named in the document instead of `keyName`, unless empty. */
  readonly decryptionKeyName: string;
}
export const encryptDocument: Operation<EncryptDocument, AsyncIterable<Part>> = defineOperation(
  "crypto.encrypt",
  { ...cryptoFacts("crypto", "Encrypt"), streamUsesComponent: true },
  async (call, input) => {
    const provider = providerOf(call, input.component);
    const { keyName: key, decryptionKeyName } = input;
    return through(call, input, async (document) => {
      const algorithm = keyAlgorithmOf(input.keyWrapAlgorithm);
      return encrypt(document, {
        keyName: input.omitKeyName ? "" : decryptionKeyName || key,
        algorithm,
        cipher: cipherOf(input.cipher),
        wrapKey: async (fileKey) => {
          const use = { key, algorithm, ...wrapNonce(algorithm) };
          return (await provider.wrapKey(fileKey, use, call)).ciphertext;
        },
      });
    });
  },
);

export interface DecryptDocument extends Document {
  /** Used instead of the one that the document names, unless empty. */
  readonly keyName: string;
}
export const decryptDocument: Operation<DecryptDocument, AsyncIterable<Part>> = defineOperation(
  "crypto.decrypt",
  { ...cryptoFacts("crypto", "Decrypt"), streamUsesComponent: true },
  async (call, input) => {
    const provider = providerOf(call, input.component);
    return through(call, input, (document) =>
      decrypt(document, {
        keyName: input.keyName,
        unwrapKey: ({ wrappedKey, algorithm }, key) =>
          provider.unwrapKey(
            { ciphertext: wrappedKey },
            { key, algorithm, ...wrapNonce(algorithm) },
            call,
          ),
      }),
    );
  },
);

async function through(
  { signal }: Call,
  { document, heldBytes }: Document,
  start: (document: AsyncIterable<Uint8Array>) => Promise<AsyncIterable<Uint8Array>>,
): Promise<AsyncIterable<Part>> {
  try {
    return numbered(await holdBack(await start(document), heldBytes), signal);
  } catch (reason) {
    // Nobody reads on; whoever sends must not wait for it.
    void document.return(undefined).catch(() => {});
    throw failure(reason);
  }
}

async function* numbered(
  parts: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  let seq = 0;
  try {
    for await (const data of parts) {
      signal.throwIfAborted();
      yield { seq: seq++, data };
    }
  } catch (reason) {
    throw failure(reason);
  }
}

function failure(reason: unknown): ApiError {
  return ApiError.is(reason) ? reason : operationFailed(reason);
}
