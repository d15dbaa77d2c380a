import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { Call } from "#core/kernel/call.ts";
import type { CryptoProvider } from "#core/ports/crypto-provider.ts";
import { badRequest, cryptoError } from "./errors.ts";

/** The provider of that name, or the documented refusal. */
export function providerOf({ app }: Call, name: string): CryptoProvider {
  const failure = whyNotStarted(app, "crypto", name);
  if (!app.components.has("crypto"))
    throw cryptoError(
      "ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED",
      failure ?? "crypto providers not configured",
    );
  if (name === "") throw badRequest("missing component name");
  const found = app.component("crypto", name);
  if (found) return found.port;
  throw cryptoError(
    "ERR_CRYPTO_PROVIDER_NOT_FOUND",
    failure ?? `crypto provider ${name} not found`,
  );
}
