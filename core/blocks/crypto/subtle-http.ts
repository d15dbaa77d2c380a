import { type RouteResponse, jsonText } from "#core/wire/http/response.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import type { Operation } from "#core/kernel/operation.ts";
import type { Sealed } from "#core/ports/crypto-provider.ts";
import { toBase64 } from "#core/util/base64.ts";
import { type ProtoJson, readProtoJson } from "./proto-json.ts";
import {
  getKey,
  subtleDecrypt,
  subtleEncrypt,
  subtleSign,
  subtleUnwrapKey,
  subtleVerify,
  subtleWrapKey,
  type Use,
} from "./subtle.ts";

/** In a daprd as it is released these routes say "not implemented"; bodies are those of its gRPC messages, as protobuf writes JSON. */
export function subtleCryptoHttp(routes: HttpRoutes): void {
  function on<In, Out>(
    verb: string,
    operation: Operation<In, Out>,
    read: (fields: ProtoJson, component: string) => In,
    write: (out: Out) => Readonly<Record<string, string | boolean>>,
  ): void {
    routes.on(
      ["POST"],
      `/v1.0-alpha1/subtlecrypto/:name/${verb}`,
      operation,
      async (input: HttpInput) => read(await readProtoJson(input), input.param("name")),
      (out): RouteResponse => jsonText(JSON.stringify(withoutDefaults(write(out)))),
    );
  }
  on(
    "getkey",
    getKey,
    (fields, component) => ({
      component,
      name: fields.text("name"),
      format: fields.choice("format", ["PEM", "JSON"]),
    }),
    ({ name, text }) => ({ name, publicKey: text }),
  );
  on(
    "encrypt",
    subtleEncrypt,
    (fields, component) => ({ ...use(fields, component), plaintext: fields.bytes("plaintext") }),
    (sealed) => sealedFields("ciphertext", sealed),
  );
  on(
    "decrypt",
    subtleDecrypt,
    (fields, component) => ({
      ...use(fields, component),
      sealed: { ciphertext: fields.bytes("ciphertext"), tag: fields.bytes("tag") },
    }),
    (plaintext) => ({ plaintext: toBase64(plaintext) }),
  );
  on(
    "wrapkey",
    subtleWrapKey,
    (fields, component) => ({
      ...use(fields, component),
      plaintext: fields.bytes("plaintextKey"),
    }),
    (sealed) => sealedFields("wrappedKey", sealed),
  );
  on(
    "unwrapkey",
    subtleUnwrapKey,
    (fields, component) => ({
      ...use(fields, component),
      sealed: { ciphertext: fields.bytes("wrappedKey"), tag: fields.bytes("tag") },
    }),
    (key) => ({ plaintextKey: toBase64(key) }),
  );
  on(
    "sign",
    subtleSign,
    (fields, component) => ({ ...use(fields, component), digest: fields.bytes("digest") }),
    (signature) => ({ signature: toBase64(signature) }),
  );
  on(
    "verify",
    subtleVerify,
    (fields, component) => ({
      ...use(fields, component),
      digest: fields.bytes("digest"),
      signature: fields.bytes("signature"),
    }),
    (valid) => ({ valid }),
  );
}

function use(fields: ProtoJson, component: string): Use {
  return {
    component,
    algorithm: fields.text("algorithm"),
    key: fields.text("keyName"),
    nonce: fields.bytes("nonce"),
    associatedData: fields.bytes("associatedData"),
  };
}

function sealedFields(name: string, { ciphertext, tag }: Sealed): Record<string, string> {
  return { [name]: toBase64(ciphertext), tag: tag ? toBase64(tag) : "" };
}

/** Protobuf's JSON leaves out what is empty or false. */
function withoutDefaults(fields: Readonly<Record<string, string | boolean>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
}
