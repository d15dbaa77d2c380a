import { toBase64 } from "#core/util/base64.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { importFileKey } from "./file-key.ts";
import { manifestText } from "./manifest.ts";
import {
  type Cipher,
  fileKeyBytes,
  type KeyAlgorithm,
  noncePrefixBytes,
  schemeName,
  segmentBytes,
} from "./scheme.ts";
import { segmentsOf } from "./segments.ts";

export interface EncryptOptions {
  /** Goes into the manifest; empty leaves it out. */
  readonly keyName: string;
  readonly algorithm: KeyAlgorithm;
  readonly cipher: Cipher;
  wrapKey(fileKey: Uint8Array): Promise<Uint8Array>;
}

/** A document, header first. Rejects when the file key cannot be wrapped; what fails later fails the iteration. */
export async function encrypt(
  plaintext: AsyncIterable<Uint8Array>,
  options: EncryptOptions,
): Promise<AsyncGenerator<Uint8Array>> {
  const { keyName, algorithm, cipher } = options;
  const key = crypto.getRandomValues(new Uint8Array(fileKeyBytes));
  const noncePrefix = crypto.getRandomValues(new Uint8Array(noncePrefixBytes));
  let wrappedKey: Uint8Array;
  try {
    wrappedKey = await options.wrapKey(key);
  } catch (reason) {
    throw new Error(`failed to wrap the file key: ${messageOf(reason)}`, { cause: reason });
  }
  const fileKey = await importFileKey(key, noncePrefix, cipher);
  const manifest = manifestText({ keyName, algorithm, wrappedKey, cipher, noncePrefix });
  const signed = bytesOf(`${schemeName}\n${manifest}\n`);
  const mac = toBase64(await fileKey.mac(signed));
  if (signed.length + mac.length + 1 > segmentBytes)
    throw new Error("failed to sign header: header is too long");
  return (async function* () {
    yield bytesOf(`${schemeName}\n${manifest}\n${mac}\n`);
    for await (const { data, index, last } of segmentsOf(plaintext, segmentBytes))
      yield await fileKey.seal(data, index, last);
  })();
}
