import { describe, expect, it } from "vitest";
import { compileRoutes } from "#core/blocks/pubsub/routes.ts";

const event = {
  type: "big",
  data: { n: 9, k: 1, half: 4.5, s: "hello", list: [1, 2], big: 12345678901 },
};
const taken = (match: string): string | undefined =>
  compileRoutes({ rules: [{ match, path: "/yes" }], default: "/no" }).path(event);

describe("routes", () => {
  it.each([
    'event.type == "big" && event.data.n > 5',
    "event.data.n == 9",
    "event.data.n >= 8.5",
    "event.data.half > 4",
    "event.data.big > 12345678900",
    "has(event.data.k)",
    "!has(event.data.absent)",
    "event.data.list.size() > 1",
    "size(event.data.s) == 5",
    'event.data.s.startsWith("he") && event.data.s.endsWith("o") && event.data.s.contains("ell")',
    'event.data.s.matches("^h.*o$")',
    'event.data.s . matches ( "l+" )',
    "event.data.k in [1, 2]",
    'event.data.k in [1.0, "a", 7]',
    'matches(event.data.s, "^h")',
    'event.data.s // why\n  .matches("h")',
    "event.data.list.exists(i, i == 2)",
    "event.data.n > 5 ? true : false",
    'event["type"] == "big"',
    'event.type == ".matches(" || event.data.s.matches("h")',
  ])("takes an event for which %s", (match) => {
    expect(taken(match)).toBe("/yes");
  });
  it.each(['event.type == "small"', "event.data.n < 5", 'event.data.s.matches("^x")'])(
    "leaves one for which %s is false to the default",
    (match) => {
      expect(taken(match)).toBe("/no");
    },
  );
  it("tries rules in order; an empty one takes everything", () => {
    const routes = compileRoutes({
      rules: [
        { match: "event.data.n > 100", path: "/a" },
        { match: "", path: "/b" },
        { match: "true", path: "/c" },
      ],
    });
    expect(routes.path(event)).toBe("/b");
  });
  it("sends an event nowhere when no rule takes it and there is no default", () => {
    expect(compileRoutes({ rules: [{ match: "false", path: "/a" }] }).path(event)).toBeUndefined();
  });
  it.each([
    "event.data.absent == 1",
    "undeclared == 1",
    "event.type",
    "event.data.n",
    "event.data.s.matches('(')",
    "event.data.s > 5",
  ])("throws, so that the delivery fails, where %s is not an answer", (match) => {
    expect(() => taken(match)).toThrow();
  });
  it.each([
    "event.type ==",
    "((",
    "event.type = 'x'",
    '"unclosed',
    "nosuch(event.type)",
    '1 + "a" == 2',
    "true ".padEnd(20_000, "|| true "),
  ])("refuses %s when it is compiled", (match) => {
    expect(() => compileRoutes({ rules: [{ match, path: "/a" }] })).toThrow(/Cannot read the rule/);
  });
  it("matches in time proportional to the text, however hostile the pattern and the event", () => {
    const hostile = compileRoutes({
      rules: [{ match: 'event.data.s.matches("^(a+)+$")', path: "/yes" }],
      default: "/no",
    });
    // JavaScript's own engine would need longer than the universe has left.
    expect(hostile.path({ data: { s: `${"a".repeat(2000)}b` } })).toBe("/no");
  });
  it.each([
    "event.l.all(x, HOSTILE)",
    "event.l.filter(x, HOSTILE).size() == 1",
    "event.l.map(x, HOSTILE)[0]",
    "cel.bind(v, event.s, HOSTILE)",
    '{"k": HOSTILE}.k',
    "!(HOSTILE)",
    "HOSTILE ? true : false",
    'matches(event.s, "^(a+)+$")',
  ])("matches so inside %s", (match) => {
    const rule = match.replace("HOSTILE", 'event.s.matches("^(a+)+$")');
    const routes = compileRoutes({ rules: [{ match: rule, path: "/yes" }], default: "/no" });
    const before = performance.now();
    routes.path({ s: `${"a".repeat(2000)}b`, l: [1] });
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
