import type { FakeAppOptions } from "#test/support/fake-app.ts";
import { plainOperation } from "#test/support/plain-operation.ts";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { compose } from "#core/kernel/operation.ts";
import { cryptoHttp } from "#core/blocks/crypto/http.ts";
import { jwkOf } from "#core/blocks/crypto/keys/jwk.ts";
import { localProvider } from "#core/blocks/crypto/local/local-provider.ts";
import { subtleCryptoHttp } from "#core/blocks/crypto/subtle-http.ts";
import type { App } from "#core/kernel/app.ts";
import { createHttp } from "#core/wire/http/surface.ts";
import type { CryptoProvider, Jwk } from "#core/ports/crypto-provider.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { silent } from "../../api.ts";

export const options = { signal: new AbortController().signal };

/** Bytes that repeat nowhere near. */
export function sample(length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16)) & 0xff;
  return out;
}

export function secretKey(bytes: number, members: object = {}): Jwk {
  const k = Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64url");
  return jwkOf({ kty: "oct", k, ...members });
}

/** A new private key. */
export function rsaKey(modulusLength = 2048): Jwk {
  return privateJwk(generateKeyPairSync("rsa", { modulusLength }).privateKey);
}
export function privateJwk(key: KeyObject): Jwk {
  return jwkOf(key.export({ format: "jwk" }));
}

/** A provider with these keys. */
export function providerWith(keys: Readonly<Record<string, Jwk>>): CryptoProvider {
  return {
    ...localProvider(async (name) => {
      const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
      if (!key) throw new Error("key not found");
      return key;
    }),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** An app with a provider "vault". */
export function appWith(keys: Readonly<Record<string, Jwk>>, more: FakeAppOptions = {}): App {
  return fakeApp({
    components: [{ kind: "crypto", name: "vault", port: providerWith(keys) }],
    ...more,
  });
}

/** The HTTP routes of the block, as the app calls them. */
export function httpOf(app: App): (
  path: string,
  init: {
    readonly method: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: RequestInit["body"];
  },
) => Promise<Response> {
  const surface = createHttp(
    compose([]),
    [
      cryptoHttp,
      subtleCryptoHttp,
      (routes) =>
        routes.fallback(
          plainOperation("test.fallback", async () => undefined),
          () => undefined,
          () => ({ status: 404 }),
        ),
    ],
    silent,
  );
  return async (path, init) =>
    surface(
      new Request(`http://localhost/v1.0-alpha1/${path}`, {
        ...init,
        duplex: "half",
      } as RequestInit),
      { app },
    );
}

/** A stream's bytes in chunks of a size. */
export async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function bytesOfAll(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const out: Uint8Array[] = [];
  for await (const part of parts) out.push(part);
  return new Uint8Array(Buffer.concat(out));
}
