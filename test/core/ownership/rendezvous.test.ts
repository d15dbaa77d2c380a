import { describe, expect, it } from "vitest";
import { preferredMember } from "#core/ownership/rendezvous.ts";
import type { ActorMember } from "#core/ports/ownership.ts";

const member = (id: string): ActorMember => ({
  id,
  namespace: "",
  appId: "a",
  address: "h:1",
  types: ["t"],
});
const ids = Array.from({ length: 10_000 }, (_, i) => `actor-${i}`);
const ownersOf = (members: readonly ActorMember[]): ReadonlyMap<string, string> =>
  new Map(
    ids.map((id) => [
      id,
      (preferredMember(members, { namespace: "", type: "t", id }) as ActorMember).id,
    ]),
  );

describe("rendezvous hashing", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map(member) as [
    ActorMember,
    ActorMember,
    ActorMember,
    ActorMember,
  ];
  it("knows nobody where there is nobody", () => {
    expect(preferredMember([], { namespace: "", type: "t", id: "x" })).toBeUndefined();
  });
  it("does not depend on the order of members", () => {
    expect(ownersOf([a, b, c])).toEqual(ownersOf([c, a, b]));
  });
  it("gives each member about the same", () => {
    const counts = new Map<string, number>();
    for (const owner of ownersOf([a, b, c, d]).values())
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    for (const count of counts.values()) expect(Math.abs(count - 2500)).toBeLessThan(400);
  });
  it("moves actors only to a member that comes, and only those of one that goes", () => {
    const three = ownersOf([a, b, c]);
    const four = ownersOf([a, b, c, d]);
    let moved = 0;
    for (const id of ids) {
      if (three.get(id) === four.get(id)) continue;
      expect(four.get(id)).toBe("d");
      moved++;
    }
    expect(Math.abs(moved - 2500)).toBeLessThan(400);
  });
  it("tells types apart", () => {
    const of = (type: string): readonly string[] =>
      ids
        .slice(0, 100)
        .map((id) => preferredMember([a, b, c, d], { namespace: "", type, id })?.id ?? "");
    expect(of("t")).not.toEqual(of("u"));
  });
});
