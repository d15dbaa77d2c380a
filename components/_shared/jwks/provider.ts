import { optionsOf } from "#components/_shared/options.ts";
import { localProvider } from "#core/blocks/crypto/local/local-provider.ts";
import type { CryptoProvider } from "#core/ports/crypto-provider.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { inlineKeySet, type KeySet } from "./key-set.ts";
import { jwksOptions } from "./options.ts";
import { remoteKeySet } from "./remote-key-set.ts";

/** A set that is a file's; `undefined` when there is no such file. */
export type OpenFile = (path: string, host: Host) => Promise<KeySet | undefined>;

/** Rejects when there is no set to begin with. */
export async function openKeySet(
  spec: ComponentSpec,
  host: Host,
  openFile: OpenFile,
): Promise<CryptoProvider> {
  const options = optionsOf(spec, jwksOptions);
  const jwks = options.text("jwks");
  if (jwks === undefined) throw new Error("metadata property 'jwks' is required");
  const closed = new AbortController();
  const keySet = /^https?:\/\//.test(jwks)
    ? await remoteKeySet(jwks, host, closed.signal, {
        timeoutMs: atLeast(options.duration("requestTimeout", 1000), 1, 30_000),
        minRefreshMs: atLeast(options.duration("minRefreshInterval", 1000), 1000, 600_000),
      })
    : ((await openFile(jwks, host)) ?? inlineKeySet(jwks));
  return {
    ...localProvider(async (kid, call) => {
      const key = (await keySet(call)).find((each) => each["kid"] === kid);
      if (!key) throw new Error("key not found");
      return key;
    }),
    [Symbol.asyncDispose]: async () => closed.abort(new Error("The component is closed")),
  };
}

/** Dapr: a time that is too short counts as not given. */
function atLeast(ms: number | undefined, least: number, otherwise: number): number {
  return ms === undefined || ms < least ? otherwise : ms;
}
