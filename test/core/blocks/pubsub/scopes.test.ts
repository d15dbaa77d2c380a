import { describe, expect, it } from "vitest";
import { mayUseTopic } from "#core/blocks/pubsub/scopes.ts";

const may = (
  metadata: Record<string, string>,
  topic: string,
  access: "publish" | "subscribe" = "publish",
): boolean => mayUseTopic(access, topic, { metadata }, { appId: "app1" });

describe("mayUseTopic", () => {
  it.each([
    ["no list at all", {}, "t", true],
    ["an empty list", { allowedtopics: "" }, "t", true],
    ["a topic on the list, spaces aside", { allowedtopics: "a, t" }, "t", true],
    ["a topic off the list", { allowedtopics: "a,b" }, "t", false],
    ["a scope of its own", { publishingscopes: "app2=x; app1 = a,t" }, "t", true],
    ["a scope of its own without the topic", { publishingscopes: "app1=a" }, "t", false],
    ["scopes of others only", { publishingscopes: "app2=x" }, "t", true],
    ["a scope that names nothing", { publishingscopes: "app1=" }, "t", false],
    ["a scope without a list", { publishingscopes: "app1" }, "t", true],
    ["two scopes of its own", { publishingscopes: "app1=a;app1=t" }, "t", true],
    ["a protected topic", { protectedtopics: "t" }, "t", false],
    [
      "a protected topic in its scope",
      { protectedtopics: "t", publishingscopes: "app1=t" },
      "t",
      true,
    ],
    [
      "a scope beyond the allowed topics",
      { allowedtopics: "a", publishingscopes: "app1=t" },
      "t",
      false,
    ],
  ])("with %s", (_, metadata, topic, allowed) => {
    expect(may(metadata as Record<string, string>, topic)).toBe(allowed);
  });

  it("keeps publishing and subscribing apart", () => {
    const metadata = { publishingscopes: "app1=out", subscriptionscopes: "app1=in" };
    expect([may(metadata, "out"), may(metadata, "in")]).toEqual([true, false]);
    expect([may(metadata, "out", "subscribe"), may(metadata, "in", "subscribe")]).toEqual([
      false,
      true,
    ]);
  });
});
