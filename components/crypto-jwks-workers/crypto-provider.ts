import { openKeySet } from "#components/_shared/jwks/provider.ts";
import type { CryptoProvider } from "#core/ports/crypto-provider.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";

export function open(spec: ComponentSpec, host: Host): Promise<CryptoProvider> {
  return openKeySet(spec, host, async () => undefined);
}
