import type { Dispatcher } from "undici";
import symbols from "undici/lib/core/symbols.js";

/** What of undici's parser of answers we rely on; its version is pinned, and a test fails when it goes. */
interface Parser {
  onHeadersComplete(status: number, ...rest: readonly unknown[]): number;
}
interface Connection {
  readonly [symbols.kSocket]?: { readonly [symbols.kParser]?: Parser };
}
const patched = new WeakSet<object>();
const earlyHints = 103;

/**
 * Lets `100 Continue` pass that nobody has asked for, as every interim answer may (RFC 9110 §15.2). Undici ends the
 * connection for it, but passes over the others: so it is taken for one of those.
 */
export function passInterimResponses(pool: Dispatcher): void {
  pool.on("connect", (_origin, targets) => {
    for (const target of targets) {
      const parser = (target as unknown as Connection)[symbols.kSocket]?.[symbols.kParser];
      const prototype = parser && (Object.getPrototypeOf(parser) as Parser);
      if (!prototype || patched.has(prototype)) continue;
      patched.add(prototype);
      const own = prototype.onHeadersComplete;
      prototype.onHeadersComplete = function (status, ...rest) {
        return own.call(this, status === 100 ? earlyHints : status, ...rest);
      };
    }
  });
}
