import type { App } from "#core/kernel/app.ts";
import { asksForToken, holdsToken } from "#core/identity/token-check.ts";

export const tokenHeader = "dapr-api-token";

/** A call as it arrives, on any wire. */
export interface Arrival {
  readonly app: App;
  /** True: the target has found the app by the API token that was sent, which so holds. */
  readonly isAuthenticated?: boolean | undefined;
  /** Address of the peer, without a port; absent where the transport does not tell it. */
  readonly remoteAddress?: string | undefined;
  /** Value of a header, or of metadata; `name` in lower case. */
  header(name: string): string | undefined;
}
export type TokenFault = "missing" | "invalid" | "too many";

/** True for a call that has to show a token. */
export function needsToken({ identity }: App, isAuthenticated: boolean | undefined): boolean {
  return !isAuthenticated && asksForToken(identity);
}

/** What is wrong with the API token of a call; `undefined` where it may go on. */
export function tokenFault(
  arrival: Arrival,
): TokenFault | undefined | Promise<TokenFault | undefined> {
  const { app } = arrival;
  if (!needsToken(app, arrival.isAuthenticated)) return undefined;
  const given = arrival.header(tokenHeader);
  if (given === undefined) return faultOf(arrival, "missing");
  const holds = holdsToken(app.identity, given);
  if (holds === true) return undefined;
  if (holds === false) return faultOf(arrival, "invalid");
  return holds.then((really) => (really ? undefined : faultOf(arrival, "invalid")));
}

/** Who guesses on and on is told so, whatever it shows. */
function faultOf({ app, remoteAddress }: Arrival, fault: TokenFault): TokenFault {
  return app.identity.badTokens?.isTooMany(remoteAddress) ? "too many" : fault;
}
