import type { AccessToken } from "#components/_shared/oauth2-token.ts";
import type { Clock } from "#core/ports/platform.ts";

/** A token is given up this much before its end, so that it still holds when it arrives. */
const slackMs = 10_000;
const unknownLifeMs = 3_600_000;

/** The token's header value: fetched once for all who ask at the same time, then kept while it holds. */
export function cachedToken(
  fetchToken: () => Promise<AccessToken>,
  clock: Pick<Clock, "now">,
): () => Promise<string> {
  let kept: { readonly header: string; readonly until: number } | undefined;
  let fetching: Promise<string> | undefined;
  const renew = async (): Promise<string> => {
    try {
      const { header, expiresInSeconds } = await fetchToken();
      const lifeMs = expiresInSeconds === undefined ? unknownLifeMs : expiresInSeconds * 1000;
      kept = { header, until: clock.now() + lifeMs - Math.min(slackMs, lifeMs / 2) };
      return header;
    } finally {
      fetching = undefined;
    }
  };
  return async () =>
    kept && clock.now() < kept.until ? kept.header : await (fetching ??= renew());
}
