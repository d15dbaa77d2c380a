import type { ActorMember } from "#core/ports/ownership.ts";

/** The members as last heard. */
export interface MemberView {
  readonly all: readonly ActorMember[];
  /** Takes what was heard; true where it differs from what was known. */
  see(found: readonly ActorMember[]): boolean;
  /** Those of the namespace that host the type; the same list as long as they are the same. */
  hostsOf(namespace: string, type: string): readonly ActorMember[];
}

export function createMemberView(): MemberView {
  let all: readonly ActorMember[] = [];
  let text = "[]";
  /** By namespace, then type. */
  const byType = new Map<string, Map<string, readonly ActorMember[]>>();
  return {
    get all() {
      return all;
    },
    see: (found) => {
      const sorted = [...found].sort((a, b) => (a.id < b.id ? -1 : 1));
      const next = JSON.stringify(sorted);
      if (next === text) return false;
      text = next;
      all = sorted;
      byType.clear();
      return true;
    },
    hostsOf: (namespace, type) => {
      const types = byType.get(namespace) ?? new Map<string, readonly ActorMember[]>();
      byType.set(namespace, types);
      const known = types.get(type);
      if (known) return known;
      const found = all.filter(
        (member) => member.namespace === namespace && member.types.includes(type),
      );
      // Types come from callers: those that nobody hosts are not remembered.
      if (found.length > 0) types.set(type, found);
      return found;
    },
  };
}
