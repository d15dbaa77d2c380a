import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import { type AddressGuard, RefusedAddressError } from "#core/outbound/address-guard.ts";

type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  done: (reason: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Looks names up for connections, and refuses those that lead where the guard does not let anyone: what is looked up is what is connected to. */
export function guardedLookup(guard: AddressGuard, resolve: Resolve = lookup): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (reason, addresses) => {
      if (reason) return done(reason, []);
      for (const { address } of addresses) {
        const why = guard.refuseAddress(address);
        if (why !== undefined) return done(new RefusedAddressError(`${hostname}: ${why}`), []);
      }
      const [first] = addresses;
      if (options.all) done(null, addresses);
      else if (first) done(null, first.address, first.family);
      else done(new Error(`${hostname} has no address`), []);
    });
  };
}
