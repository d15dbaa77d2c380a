import { headerValues } from "#core/util/header-list.ts";
import type { Clock, HeaderList } from "#core/ports/platform.ts";
import { isRecord } from "#core/util/json.ts";
import type { Seal } from "./seal.ts";

/** What is known of a browser: that it went to log in, or what it came back with. */
export type Session =
  | { readonly state: string; readonly returnTo: string }
  | { readonly header: string };

export interface Sessions {
  /** `undefined` for a browser without a cookie, or with one that has ended or is not ours. */
  read(headers: HeaderList): Promise<Session | undefined>;
  /** The `set-cookie` value that keeps a session; `undefined` for one that browsers would not keep. */
  write(session: Session, lifeMs: number): Promise<string | undefined>;
}

/** Dapr's name. There the value is a key into the memory of one process; here it is the session itself, so that any process can read it. */
const cookieName = "gosessionsid";
/** Browsers keep no cookie above 4096 bytes, name and attributes included. */
const mostCharacters = 3800;
export const sessionLifeMs: number = 2 * 3_600_000;

export function createSessions(seal: Seal, clock: Pick<Clock, "now">, secure: boolean): Sessions {
  return {
    read: async (headers) => {
      for (const value of cookies(headers)) {
        const text = await seal.open(value);
        const session = text === undefined ? undefined : parse(text, clock.now());
        if (session) return session;
      }
      return undefined;
    },
    write: async (session, lifeMs) => {
      const until = clock.now() + lifeMs;
      const value = await seal.seal(JSON.stringify({ ...session, until }));
      if (value.length > mostCharacters) return undefined;
      const seconds = Math.floor(lifeMs / 1000);
      // Lax: the provider's redirect is a navigation from another site, and must bring the cookie.
      return `${cookieName}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
    },
  };
}

function cookies(headers: HeaderList): readonly string[] {
  return headerValues(headers, "cookie")
    .flatMap((value) => value.split(";"))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${cookieName}=`))
    .map((pair) => pair.slice(cookieName.length + 1));
}

function parse(text: string, now: number): Session | undefined {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || typeof value["until"] !== "number" || value["until"] <= now)
    return undefined;
  const { header, state, returnTo } = value;
  if (typeof header === "string") return { header };
  if (typeof state !== "string" || typeof returnTo !== "string") return undefined;
  return { state, returnTo };
}
