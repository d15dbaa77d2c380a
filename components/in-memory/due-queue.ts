import type { DueEntry, DueKey } from "#core/ports/due-times.ts";

export interface DueSlot {
  readonly entry: DueEntry;
  /** When it is due, or its claim ends. */
  readonly at: number;
  readonly claim: string | undefined;
}

/** The entries of one queue by key, and as a heap by time. */
export interface DueQueue {
  readonly size: number;
  /** The one that is due first. */
  readonly head: DueSlot | undefined;
  get(key: Pick<DueKey, "owner" | "name">): DueSlot | undefined;
  put(entry: DueEntry, at: number, claim: string | undefined): void;
  delete(key: Pick<DueKey, "owner" | "name">): boolean;
  entries(): Iterable<DueEntry>;
}

interface Node extends DueSlot {
  index: number;
}

export function createDueQueue(): DueQueue {
  const byKey = new Map<string, Node>();
  const heap: Node[] = [];
  const keyOf = ({ owner, name }: Pick<DueKey, "owner" | "name">): string =>
    JSON.stringify([owner, name]);
  const place = (node: Node, index: number): void => {
    heap[index] = node;
    node.index = index;
  };
  function up(node: Node, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1] as Node;
      if (parent.at <= node.at) break;
      place(parent, index);
      index = (index - 1) >> 1;
    }
    place(node, index);
  }
  function down(node: Node, from: number): void {
    let index = from;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const child = right && left && right.at < left.at ? right : left;
      if (!child || child.at >= node.at) break;
      const next = child.index;
      place(child, index);
      index = next;
    }
    place(node, index);
  }
  function remove({ index }: Node): void {
    const last = heap.pop() as Node;
    if (last.index === index) return;
    up(last, index);
    if (last.index === index) down(last, index);
  }
  return {
    get size() {
      return heap.length;
    },
    get head() {
      return heap[0];
    },
    get: (key) => byKey.get(keyOf(key)),
    put: (entry, at, claim) => {
      const former = byKey.get(keyOf(entry));
      if (former) remove(former);
      const node: Node = { entry, at, claim, index: heap.length };
      byKey.set(keyOf(entry), node);
      heap.push(node);
      up(node, node.index);
    },
    delete: (key) => {
      const node = byKey.get(keyOf(key));
      if (!node) return false;
      byKey.delete(keyOf(key));
      remove(node);
      return true;
    },
    *entries() {
      for (const { entry } of byKey.values()) yield entry;
    },
  };
}
