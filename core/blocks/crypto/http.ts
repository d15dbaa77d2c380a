import type { RouteResponse } from "#core/wire/http/response.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { badRequest } from "./errors.ts";
import { bodyOf } from "./body.ts";
import { providerOf } from "./find-provider.ts";
import {
  decryptDocument,
  type DecryptDocument,
  encryptDocument,
  type EncryptDocument,
  type Part,
} from "./operations.ts";

/**
 * What is held back before an answer begins: all of a document that the default size limit lets in.
 * Up to there a failure still has a status, and a client that sends everything before it reads
 * (most do in HTTP/1.1) cannot get stuck.
 */
const heldBytes = 5 * 1024 * 1024;

export function cryptoHttp(routes: HttpRoutes): void {
  routes.on(["PUT"], "/v1.0-alpha1/crypto/:name/encrypt", encryptDocument, readEncrypt, writeParts);
  routes.on(["PUT"], "/v1.0-alpha1/crypto/:name/decrypt", decryptDocument, readDecrypt, writeParts);
}

function readEncrypt(input: HttpInput): EncryptDocument {
  const component = input.param("name");
  providerOf(input, component);
  return {
    component,
    keyName: required(input, "dapr-key-name"),
    keyWrapAlgorithm: required(input, "dapr-key-wrap-algorithm"),
    cipher: input.header("dapr-data-encryption-cipher") ?? "",
    omitKeyName: isTruthy(input.header("dapr-omit-decryption-key-name")),
    decryptionKeyName: input.header("dapr-decryption-key-name") ?? "",
    document: bodyOf(input),
    heldBytes,
  };
}

function readDecrypt(input: HttpInput): DecryptDocument {
  const component = input.param("name");
  const keyName = input.header("dapr-key-name") ?? "";
  return { component, keyName, document: bodyOf(input), heldBytes };
}

function required(input: HttpInput, name: string): string {
  const value = input.header(name) ?? "";
  if (value === "") throw badRequest(`missing header '${name}'`);
  return value;
}

const truthy: ReadonlySet<string> = new Set(["y", "yes", "true", "t", "on", "1"]);
function isTruthy(text = ""): boolean {
  return truthy.has(text.trim().toLowerCase());
}

function writeParts(parts: AsyncIterable<Part>): RouteResponse {
  const iterator = parts[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value.data);
    },
    cancel: async () => {
      await iterator.return?.();
    },
  });
  return { status: 200, headers: { "content-type": "application/octet-stream" }, body };
}
