import { messageOf } from "#core/errors/component-error.ts";
import type { Host } from "#core/ports/manifest.ts";
import { boundedText } from "#core/util/bounded-read.ts";
import { isRecord } from "#core/util/json.ts";
import { within } from "#core/util/time-limit.ts";

const timeoutMs = 30_000;
const mostBytes = 1024 * 1024;

/** Where an issuer publishes its keys, by OpenID Connect Discovery. */
export async function discoverKeys(
  issuer: string,
  { fetch, clock }: Pick<Host, "clock" | "fetch">,
): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  try {
    return await within(clock, timeoutMs, {}, async ({ signal }) => {
      const response = await fetch(url, { signal });
      const text = await boundedText(response as never, mostBytes);
      if (response.status !== 200)
        throw new Error(`invalid response status code: ${response.status}`);
      return keysAddress(JSON.parse(text), issuer);
    });
  } catch (reason) {
    throw new Error(
      `failed to retrieve OpenID Configuration document: ${url}: ${messageOf(reason)}`,
      { cause: reason },
    );
  }
}

function keysAddress(document: unknown, issuer: string): string {
  const { jwks_uri: address, issuer: found } = isRecord(document) ? document : {};
  if (typeof address !== "string" || address === "")
    throw new Error("the OpenID Configuration document does not contain a 'jwks_uri'");
  if (found !== issuer)
    throw new Error(
      `the issuer found in the OpenID Configuration document ('${String(found)}') doesn't match the one provided in the component's metadata ('${issuer}')`,
    );
  return address;
}
