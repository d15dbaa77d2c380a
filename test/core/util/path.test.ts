import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanMethod, cleanPath, decodePath, encodePath, hasBadEscape } from "#core/util/path.ts";

describe("cleanPath", () => {
  it.each([
    ["/", "/"],
    ["//v1.0//healthz", "/v1.0/healthz"],
    ["/v1.0/healthz/", "/v1.0/healthz"],
    ["/a/./b/../c", "/a/c"],
    ["/../../a", "/a"],
    ["a/../../b", "../b"],
    ["./a", "a"],
    ["..", ".."],
    ["", ""],
    ["/a/.hidden", "/a/.hidden"],
    ["/a/...", "/a/..."],
  ])("turns %j into %j", (given, wanted) => {
    expect(cleanPath(given)).toBe(wanted);
  });

  it("is stable: a cleaned path cleans to itself", () => {
    const path = fc
      .array(fc.constantFrom("/", ".", "..", "a", "b.c", ""))
      .map((parts) => parts.join("/"));
    fc.assert(fc.property(path, (given) => cleanPath(cleanPath(given)) === cleanPath(given)));
  });

  it("leaves no dot segment and no empty one in a rooted path", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const segments = cleanPath(`/${text}`).split("/").slice(1);
        return (
          segments.every(
            (part) => (part !== "" || segments.length === 1) && part !== "." && part !== "..",
          ) || segments.length === 1
        );
      }),
    );
  });
});

describe("cleanMethod", () => {
  it.each(["a#b", "a?b", "a\u0000b", "a\nb", "a\u007fb"])("refuses %j", (method) => {
    expect(cleanMethod(method)).toBeUndefined();
  });
  it("cannot be walked out of", () => {
    expect(cleanMethod("../../admin")).toBe("admin");
    expect(cleanMethod("..")).toBe("");
    expect(cleanMethod("a/../..")).toBe("");
  });
});

describe("escapes", () => {
  it("keeps what is not valid UTF-8 and decodes the rest", () => {
    expect(decodePath("/a%2Fb%20%FF")).toBe("/a/b %FF");
  });
  it.each(["/%", "/%z1", "/a%2", "/%%20"])("calls %j bad", (path) => {
    expect(hasBadEscape(path)).toBe(true);
  });
  it("encodes so that decoding gives the same path", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        (path) => decodePath(encodePath(path)) === path.toWellFormed(),
      ),
    );
  });
  it("never leaves a query or fragment mark in a path", () => {
    expect(encodePath("a?b#c")).toBe("a%3Fb%23c");
  });
});
