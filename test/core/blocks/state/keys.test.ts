import { describe, expect, it } from "vitest";
import { keyPrefix } from "#core/blocks/state/keys.ts";

const app = { appId: "shop", namespace: "prod" };

describe("keyPrefix", () => {
  it.each([
    [undefined, "shop||"],
    ["appid", "shop||"],
    ["APPID", "shop||"],
    ["name", "store||"],
    ["namespace", "prod.shop||"],
    ["none", ""],
    ["literal", "literal||"],
  ])("%s gives %j", (strategy, wanted) => {
    expect(keyPrefix(strategy, "store", app)).toBe(wanted);
  });
  it("falls back to the app id without a namespace", () => {
    expect(keyPrefix("namespace", "store", { ...app, namespace: "" })).toBe("shop||");
  });
  it("refuses the separator", () => {
    expect(() => keyPrefix("a||b", "store", app)).toThrow("can't contain '||'");
  });
});
