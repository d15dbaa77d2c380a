import type { App } from "#core/kernel/app.ts";

/** What a call shows of its caller, on a port that several apps share. */
export interface PresentedCredentials {
  /** `dapr-api-token`, as it was sent. */
  readonly token: string | undefined;
  /** Address of the peer, IPv4 as IPv4. */
  readonly remoteAddress: string | undefined;
  readonly remotePort?: number | undefined;
  /** Without a token, and on a route that asks for none: health. */
  readonly isOpen: boolean;
}
/** Why a call is nobody's. `message` is for the caller. */
export interface Rejection {
  readonly status: 401 | 403 | 429 | 503;
  readonly message: string;
  /** The connection may have come to the wrong process: it is ended, so that the next one finds the right one. */
  readonly mayBeElsewhere?: boolean;
}
/** Whose call it is: found by what it shows, never by what it claims. A token that is shown is what it is found by; nobody checks it again. */
export type AppFinder = (shown: PresentedCredentials) => App | Rejection | Promise<App | Rejection>;

export function isRejection(found: App | Rejection): found is Rejection {
  return "status" in found;
}
