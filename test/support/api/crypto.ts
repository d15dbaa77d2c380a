import type { JsonObject } from "@bufbuild/protobuf";
import { fromBase64, toBase64 } from "#core/util/base64.ts";
import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";

type Bytes = Uint8Array<ArrayBuffer>;
export interface EncryptOptions {
  readonly keyName: string;
  readonly keyWrapAlgorithm: string;
  readonly dataEncryptionCipher?: string;
}
const subtleVerbs = {
  getkey: "GetKey",
  encrypt: "Encrypt",
  decrypt: "Decrypt",
  sign: "Sign",
  verify: "Verify",
} as const;

export interface CryptoApi {
  encrypt(provider: string, options: EncryptOptions, plaintext: Uint8Array): Promise<Bytes>;
  decrypt(provider: string, document: Uint8Array): Promise<Bytes>;
  /** Request and answer as protobuf's JSON, which is what HTTP speaks here anyway. */
  subtle(
    verb: keyof typeof subtleVerbs,
    provider: string,
    request: JsonObject,
  ): Promise<Readonly<Record<string, string>>>;
}

export function cryptoOverHttp(http: HttpWire): CryptoApi {
  const put = async (
    path: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Bytes> => {
    const answer = await http.send("PUT", `/v1.0-alpha1/crypto/${path}`, {
      headers,
      body: body as Bytes,
    });
    return new Uint8Array(await answer.arrayBuffer());
  };
  return {
    encrypt: (provider, { keyName, keyWrapAlgorithm, dataEncryptionCipher: cipher }, plaintext) =>
      put(`${provider}/encrypt`, plaintext, {
        "dapr-key-name": keyName,
        "dapr-key-wrap-algorithm": keyWrapAlgorithm,
        ...(cipher === undefined ? {} : { "dapr-data-encryption-cipher": cipher }),
      }),
    decrypt: (provider, document) => put(`${provider}/decrypt`, document),
    subtle: async (verb, provider, request) => {
      const answer = await http.post(`/v1.0-alpha1/subtlecrypto/${provider}/${verb}`, request);
      return (await answer.json()) as Record<string, string>;
    },
  };
}

/** The API asks for no size of the messages; several show that they belong together. */
const bytesPerMessage = 60_000;

interface Payload {
  readonly payload?: { readonly data?: string; readonly seq?: string };
}

export function cryptoOverGrpc(grpc: GrpcWire): CryptoApi {
  const exchange = async (
    rpc: "EncryptAlpha1" | "DecryptAlpha1",
    options: JsonObject,
    bytes: Uint8Array,
  ): Promise<Bytes> => {
    const requests: JsonObject[] = [{ options }];
    for (let at = 0; at < bytes.length; at += bytesPerMessage)
      requests.push({
        payload: {
          data: toBase64(bytes.subarray(at, at + bytesPerMessage)),
          seq: String(requests.length - 1),
        },
      });
    const { messages, ended } = grpc.stream<Payload>(rpc, requests);
    await ended;
    return Uint8Array.from(messages.flatMap(({ payload }) => [...fromBase64(payload?.data ?? "")]));
  };
  return {
    encrypt: (componentName, options, plaintext) =>
      exchange("EncryptAlpha1", { componentName, ...options }, plaintext),
    decrypt: (componentName, document) => exchange("DecryptAlpha1", { componentName }, document),
    subtle: (verb, componentName, request) =>
      grpc.unary(`Subtle${subtleVerbs[verb]}Alpha1`, { componentName, ...request }),
  };
}
