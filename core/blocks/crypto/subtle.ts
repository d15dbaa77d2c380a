import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation, variantOf } from "#core/kernel/operation.ts";
import type { CryptoProvider, KeyUse, Sealed } from "#core/ports/crypto-provider.ts";
import { badRequest, cryptoError, operationFailed } from "./errors.ts";
import { providerOf } from "./find-provider.ts";
import { parseKey } from "./keys/parse-key.ts";
import { publicPem } from "./keys/pem.ts";
import { serializeKey, spkiOf } from "./keys/serialize-key.ts";
import { cryptoFacts } from "./facts.ts";

export interface GetKey {
  readonly component: string;
  readonly name: string;
  /** 0: PEM, 1: JWK; as the API numbers them. */
  readonly format: number;
}
export interface PublicKey {
  readonly name: string;
  readonly text: string;
}
export const getKey: Operation<GetKey, PublicKey> = defineOperation(
  "subtlecrypto.get_key",
  cryptoFacts("subtlecrypto", "SubtleGetKey", "get"),
  async (call, { component, name, format }) => {
    const provider = providerOf(call, component);
    if (format !== 0 && format !== 1) throw badRequest("invalid key format");
    try {
      const jwk = await provider.publicKey(name, call);
      const sorted = Object.fromEntries(Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1)));
      const text = format === 1 ? JSON.stringify(sorted) : publicPem(await spkiOf(jwk));
      return { name, text };
    } catch (reason) {
      throw cryptoError("ERR_CRYPTO_KEY", `failed to retrieve key ${name}: ${messageOf(reason)}`, {
        cause: reason,
      });
    }
  },
);

export interface Use extends KeyUse {
  readonly component: string;
}
export interface WithPlaintext extends Use {
  readonly plaintext: Uint8Array;
}
export interface WithSealed extends Use {
  readonly sealed: Sealed;
}
export interface WithDigest extends Use {
  readonly digest: Uint8Array;
}
export interface WithSignature extends WithDigest {
  readonly signature: Uint8Array;
}

export const subtleEncrypt: Operation<WithPlaintext, Sealed> = keyOperation(
  "encrypt",
  "SubtleEncrypt",
  "encrypt",
  (provider, input, call) => provider.encrypt(input.plaintext, input, call),
);
export const subtleDecrypt: Operation<WithSealed, Uint8Array> = keyOperation(
  "decrypt",
  "SubtleDecrypt",
  "decrypt",
  (provider, input, call) => provider.decrypt(input.sealed, input, call),
);
export const subtleSign: Operation<WithDigest, Uint8Array> = keyOperation(
  "sign",
  "SubtleSign",
  "sign",
  (provider, input, call) => provider.sign(input.digest, input, call),
);
export const subtleVerify: Operation<WithSignature, boolean> = keyOperation(
  "verify",
  "SubtleVerify",
  "verify signature",
  (provider, input, call) => provider.verify(input.digest, input.signature, input, call),
);
export const subtleUnwrapKey: Operation<WithSealed, Uint8Array> = keyOperation(
  "unwrap_key",
  "SubtleUnwrapKey",
  "unwrap key",
  (provider, input, call) => provider.unwrapKey(input.sealed, input, call),
);
const wrapBytes = keyOperation<WithPlaintext, Sealed>(
  "wrap_key",
  "SubtleWrapKey",
  "wrap key",
  (provider, input, call) => provider.wrapKey(input.plaintext, input, call),
);
/** `plaintext` is a key in any form that is understood: a JWK, PEM, base64, or bytes. */
export const subtleWrapKey: Operation<WithPlaintext, Sealed> = variantOf(
  wrapBytes,
  async (call, input) => {
    providerOf(call, input.component);
    let plaintext: Uint8Array;
    try {
      plaintext = await serializeKey(await parseKey(input.plaintext));
    } catch (reason) {
      throw operationFailed(reason, `failed to parse plaintext key: ${messageOf(reason)}`);
    }
    return wrapBytes.run(call, { ...input, plaintext });
  },
);

/** The reason stays here: told to the caller, it would help whoever probes (padding oracles). */
function keyOperation<In extends Use, Out>(
  name: string,
  endpoint: string,
  verb: string,
  run: (provider: CryptoProvider, input: In, call: Call) => Promise<Out>,
): Operation<In, Out> {
  return defineOperation(
    `subtlecrypto.${name}`,
    cryptoFacts("subtlecrypto", endpoint),
    async (call, input) => {
      const provider = providerOf(call, input.component);
      try {
        return await run(provider, input, call);
      } catch (reason) {
        throw operationFailed(reason, `failed to ${verb}`);
      }
    },
  );
}
