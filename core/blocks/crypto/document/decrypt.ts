import { messageOf } from "#core/errors/component-error.ts";
import { fromBase64 } from "#core/util/base64.ts";
import { type FileKey, importFileKey } from "./file-key.ts";
import { readHeader } from "./header.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { fileKeyBytes, segmentBytes, tagBytes } from "./scheme.ts";
import { segmentsOf } from "./segments.ts";

export interface DecryptOptions {
  /** Used instead of the one that the document names; empty: that one. */
  readonly keyName: string;
  unwrapKey(manifest: Manifest, keyName: string): Promise<Uint8Array>;
}

/** A document's plaintext, segment by segment, each given out only once it has proved to be unchanged and in its place. Rejects for a header that is not the key's. */
export async function decrypt(
  document: AsyncIterable<Uint8Array>,
  options: DecryptOptions,
): Promise<AsyncGenerator<Uint8Array>> {
  const header = await readHeader(document);
  const manifest = parseManifest(header.manifest);
  const keyName = options.keyName === "" ? manifest.keyName : options.keyName;
  if (keyName === "")
    throw new Error(
      "document's manifest does not contain a key name, and no key name was provided",
    );
  const key = await unwrapped(options, manifest, keyName);
  const fileKey = await importFileKey(key, manifest.noncePrefix, manifest.cipher);
  if (!(await fileKey.isMac(macOf(header.mac), header.signed)))
    throw new Error("failed to validate the document's signature");
  return opened(header.payload, fileKey);
}

async function* opened(
  payload: AsyncIterable<Uint8Array>,
  fileKey: FileKey,
): AsyncGenerator<Uint8Array> {
  for await (const { data, index, last } of segmentsOf(payload, segmentBytes + tagBytes)) {
    let plaintext: Uint8Array;
    try {
      plaintext = await fileKey.open(data, index, last);
    } catch (reason) {
      const why = `error processing segment ${index}: ${messageOf(reason)}`;
      throw new Error(why, { cause: reason });
    }
    yield plaintext;
  }
}

/**
 * A key that cannot be unwrapped fails where a wrong one does, so that answers do not tell which keys there are.
 * Dapr: goes on with 32 zero bytes, under which anybody can make a document; random ones have no such document.
 */
async function unwrapped(
  options: DecryptOptions,
  manifest: Manifest,
  keyName: string,
): Promise<Uint8Array> {
  const other = crypto.getRandomValues(new Uint8Array(fileKeyBytes));
  try {
    const key = await options.unwrapKey(manifest, keyName);
    return key.length === fileKeyBytes ? key : other;
  } catch {
    return other;
  }
}

function macOf(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (reason) {
    throw new Error(`failed to decode header's signature: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
}
