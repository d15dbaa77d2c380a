import ipaddr from "ipaddr.js";

/** Tells addresses that the runtime must not call for others: those of the machine's link, where clouds keep credentials. */
export interface AddressGuard {
  /** Why the address (IPv4 or IPv6, as text) is refused; `undefined` where it may be called. */
  refuseAddress(address: string): string | undefined;
  /** The same of a URL, by its host as it stands: what a name resolves to shows only when it is connected to. */
  refuseUrl(url: string): string | undefined;
}
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
}

/** Throws for a URL that may not be called. */
export function refuseUrl(guard: Pick<AddressGuard, "refuseUrl">, url: string): void {
  const why = guard.refuseUrl(url);
  if (why !== undefined) throw new RefusedAddressError(why);
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** Link-local, and where clouds answer for their instances. */
const refused: ReadonlyArray<readonly [cidr: string, why: string]> = [
  ["169.254.0.0/16", "link-local"],
  ["fe80::/10", "link-local"],
  ["fd00:ec2::254/128", "cloud metadata"],
  ["fd20:ce::254/128", "cloud metadata"],
  ["100.100.100.200/32", "cloud metadata"],
  ["168.63.129.16/32", "cloud metadata"],
  ["192.0.0.192/32", "cloud metadata"],
];
const refusedNames: ReadonlySet<string> = new Set([
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "metadata.azure.internal",
  "instance-data",
  "instance-data.ec2.internal",
]);

/** `OUTRIGGER_ALLOWED_ADDRESSES` and `OUTRIGGER_DENIED_ADDRESSES`: comma-separated addresses, CIDR ranges and host names. The first counts more. */
export function createAddressGuard(
  env: Readonly<Record<string, string | undefined>>,
): AddressGuard {
  const allowed = readList("OUTRIGGER_ALLOWED_ADDRESSES", env);
  const denied = readList("OUTRIGGER_DENIED_ADDRESSES", env);
  const builtIn = refused.map(([cidr, why]) => ({ range: ipaddr.parseCIDR(cidr) as Range, why }));

  function refuse(address: Address): string | undefined {
    // What a translator or an old socket makes of an IPv6 address counts, too.
    const all = [address, ...embedded(address)];
    if (all.some((each) => allowed.ranges.some((range) => isIn(each, range)))) return undefined;
    for (const each of all) {
      if (denied.ranges.some((range) => isIn(each, range))) return "denied by configuration";
      const found = builtIn.find(({ range }) => isIn(each, range));
      if (found) return found.why;
    }
    return undefined;
  }
  const textOf = (what: string, why: string | undefined): string | undefined =>
    why === undefined ? undefined : `address ${what} is refused: ${why}`;

  return {
    refuseAddress: (address) => {
      // A zone names the interface, not the address.
      const text = address.replace(/%.*$/, "");
      return ipaddr.isValid(text) ? textOf(text, refuse(ipaddr.parse(text))) : undefined;
    },
    refuseUrl: (url) => {
      // The same parser as the one that connects: whatever the spelling, both see one host.
      const host = URL.parse(url)?.hostname.toLowerCase();
      if (host === undefined) return undefined;
      const bare = host.startsWith("[") ? host.slice(1, -1) : host.replace(/\.+$/, "");
      if (ipaddr.isValid(bare)) return textOf(bare, refuse(ipaddr.parse(bare)));
      if (allowed.names.has(bare)) return undefined;
      if (denied.names.has(bare)) return textOf(bare, "denied by configuration");
      return refusedNames.has(bare) ? textOf(bare, "cloud metadata") : undefined;
    },
  };
}

function isIn(address: Address, [base, bits]: Range): boolean {
  return address.kind() === base.kind() && address.match(base as never, bits);
}

/** IPv4 addresses inside an IPv6 one: mapped, compatible, NAT64, 6to4, Teredo. */
function embedded(address: Address): readonly Address[] {
  if (address.kind() === "ipv4") return [];
  const bytes = address.toByteArray();
  const at = (offset: number, flip = 0): Address =>
    ipaddr.fromByteArray(bytes.slice(offset, offset + 4).map((byte) => byte ^ flip));
  const startsWith = (...prefix: readonly number[]): boolean =>
    prefix.every((byte, i) => bytes[i] === byte);
  const zeros = bytes.slice(0, 10).every((byte) => byte === 0);
  if (zeros && ((bytes[10] === 0xff && bytes[11] === 0xff) || (bytes[10] === 0 && bytes[11] === 0)))
    return [at(12)];
  if (startsWith(0, 0x64, 0xff, 0x9b)) return [at(12)];
  if (startsWith(0x20, 0x02)) return [at(2)];
  if (startsWith(0x20, 0x01, 0, 0)) return [at(12, 0xff)];
  return [];
}

interface List {
  readonly ranges: readonly Range[];
  readonly names: ReadonlySet<string>;
}
function readList(name: string, env: Readonly<Record<string, string | undefined>>): List {
  const ranges: Range[] = [];
  const names = new Set<string>();
  for (const part of (env[name] ?? "").split(",").map((text) => text.trim().toLowerCase())) {
    if (part === "") continue;
    if (part.includes("/") && ipaddr.isValidCIDR(part)) ranges.push(ipaddr.parseCIDR(part));
    else if (ipaddr.isValid(part)) {
      const address = ipaddr.parse(part);
      ranges.push([address, address.kind() === "ipv4" ? 32 : 128]);
    } else if (/^[a-z0-9._-]+$/.test(part)) names.add(part.replace(/\.+$/, ""));
    else
      throw new Error(
        `${name} has "${part}"; give addresses, ranges such as 10.0.0.0/8, or host names`,
      );
  }
  return { ranges, names };
}
