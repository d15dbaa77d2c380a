import { encodeKey, encodeOwner } from "#components/_shared/due-key.ts";
import type { DueEntry, DueKey, DueSelection, DueTimes } from "#core/ports/due-times.ts";
import type { Argument } from "./client.ts";
import type { CoordinationGroup } from "./coordination-group.ts";
import { decodeEntry } from "./due-entry.ts";
import * as scripts from "./due-times-scripts.ts";

/** Entries that one script returns or removes, so that none keeps the server from others for long. */
const mostAtOnce = 500;

/** `list` and `deleteAll`, as many scripts as it takes. */
export function createDueSelection(
  { read, change, send, replicated }: CoordinationGroup,
  keysOf: (queue: string) => readonly string[],
): Pick<DueTimes, "list" | "deleteAll"> {
  return {
    list: async (selection, { signal, limit, after }) => {
      const keys = keysOf(selection.queue);
      let { mode, low, last, prefix } = startOf(selection, after);
      const found: DueEntry[] = [];
      while (found.length < limit) {
        const most = Math.min(mostAtOnce, limit - found.length);
        const args = [mode, low, last, prefix, String(most)];
        const reply = await read(scripts.list, keys, args, { signal });
        const [more, ...flat] = reply as ReadonlyArray<Buffer | null>;
        for (let i = 0; i < flat.length; i += 2) {
          last = String(flat[i]);
          const value = flat[i + 1];
          if (value !== null) found.push(decodeEntry(selection.queue, last, value));
        }
        if (more === null) break;
        low = String(more);
      }
      return found;
    },
    deleteAll: async (selection, { signal }) => {
      const { queue, owner, namePrefix = "" } = selection;
      const keys = keysOf(queue);
      if (owner === undefined && namePrefix === "") {
        await send(["UNLINK", ...(keys as [string])], { signal });
        return replicated();
      }
      const { mode, low, last, prefix } = startOf(selection);
      for (let more: Argument | null = low; more !== null;) {
        const args = [mode, more, last, prefix, String(mostAtOnce)];
        more = (await change(scripts.removeSelected, keys, args, { signal })) as Buffer | null;
      }
    },
  };
}

/** Where a selection begins in the sorted set of names: the arguments of the scripts, `last` being their `after`. */
function startOf(
  { owner, namePrefix = "" }: DueSelection,
  after?: DueKey,
): { mode: "range" | "owners"; low: string; last: string; prefix: string } {
  const last = after ? encodeKey(after) : "";
  if (owner === undefined && namePrefix !== "") {
    const first = after ? encodeKey({ owner: after.owner, name: namePrefix }) : "";
    const low = encodeOwner(after?.owner ?? "");
    return { mode: "owners", low, last: isBefore(last, first) ? "" : last, prefix: namePrefix };
  }
  const low = owner === undefined ? "" : encodeKey({ owner, name: namePrefix });
  return { mode: "range", low, last: isBefore(last, low) ? "" : last, prefix: "" };
}
/** By their bytes, as Redis compares. */
function isBefore(a: string, b: string): boolean {
  return Buffer.from(a).compare(Buffer.from(b)) < 0;
}
