import { headerValues, withHeader, withoutHeaders } from "#core/util/header-list.ts";
import { isHeaderName } from "#core/util/header-value.ts";
import type { GuestMessage } from "./exchange.ts";
import type { Functions, GuestAccess } from "./guest-access.ts";
import type { GuestMemory } from "./memory.ts";

/** How a guest reads and changes the headers of a request and of a response. */
export function headerFunctions({ memory, message, mutable }: GuestAccess): Functions {
  return {
    get_header_names: (kind: number, at: number, limit: number) =>
      memory().putList(at, limit, namesOf(message(kind))),
    get_header_values: (kind: number, n: number, nLength: number, at: number, limit: number) =>
      memory().putList(
        at,
        limit,
        headerValues(message(kind)?.headers ?? [], nameAt(memory(), n, nLength).toLowerCase()),
      ),
    set_header_value: (kind: number, n: number, nLength: number, v: number, vLength: number) => {
      const changed = mutable(kind, "set header of");
      changed.headers = withHeader(
        changed.headers,
        nameAt(memory(), n, nLength),
        valueAt(memory(), v, vLength),
      );
    },
    add_header_value: (kind: number, n: number, nLength: number, v: number, vLength: number) => {
      const changed = mutable(kind, "add header to");
      changed.headers = [
        ...changed.headers,
        nameAt(memory(), n, nLength),
        valueAt(memory(), v, vLength),
      ];
    },
    remove_header: (kind: number, n: number, nLength: number) => {
      const changed = mutable(kind, "remove header of");
      changed.headers = withoutHeaders(changed.headers, nameAt(memory(), n, nLength).toLowerCase());
    },
  };
}

function nameAt(memory: GuestMemory, at: number, length: number): string {
  const name = memory.text(at, length);
  if (!isHeaderName(name)) throw new Error(`${JSON.stringify(name)} is not the name of a header`);
  return name;
}

function valueAt(memory: GuestMemory, at: number, length: number): string {
  const value = memory.byteText(at, length);
  if (/[\r\n\0]/.test(value)) throw new Error("a header's value must not have line breaks");
  return value;
}

function namesOf(message: GuestMessage | undefined): readonly string[] {
  const names = (message?.headers ?? []).filter((_, i) => i % 2 === 0);
  return [...new Set(names.map((name) => name.toLowerCase()))].sort();
}
