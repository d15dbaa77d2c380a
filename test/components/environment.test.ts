import { describe, expect, it } from "vitest";
import { secrets } from "#components/environment/manifest.ts";
import { noMetadata } from "#core/ports/component.ts";
import { secretStoreContract } from "#test/contracts/secret-store.ts";
import { openComponent, testHost } from "#test/support/host.ts";

const options = { signal: new AbortController().signal };
const env = {
  FOO: "bar",
  MY_KEY: "k",
  APP_API_TOKEN: "t",
  OUTRIGGER_COORDINATION: "redis://:p@a",
  DAPR_API_TOKEN: "t",
  dapr_x: "t",
  EMPTY: "",
  GONE: undefined,
};
const host = testHost({ env });

describe("secretstores.local.env", () => {
  secretStoreContract({
    open: () => openComponent(secrets, {}, host),
    secrets: { FOO: { FOO: "bar" }, MY_KEY: { MY_KEY: "k" }, EMPTY: { EMPTY: "" } },
    missing: "empty-text",
  });
  it("gives an empty text for the runtime's own variables, in any letter case, and lists none of them", async () => {
    const store = await openComponent(secrets, {}, host);
    for (const name of ["APP_API_TOKEN", "OUTRIGGER_COORDINATION", "DAPR_API_TOKEN", "dapr_x"])
      expect(await store.get(name, noMetadata, options)).toEqual({ [name]: "" });
    expect(await store.list?.(noMetadata, options)).toEqual({
      FOO: { FOO: "bar" },
      MY_KEY: { MY_KEY: "k" },
      EMPTY: { EMPTY: "" },
    });
  });
  it("puts the prefix before the name, and lists without it", async () => {
    const store = await openComponent(secrets, { prefix: "MY_" }, host);
    expect(await store.get("KEY", noMetadata, options)).toEqual({ KEY: "k" });
    expect(await store.list?.(noMetadata, options)).toEqual({ KEY: { KEY: "k" } });
  });
  it("cannot be tricked into a token by a prefix", async () => {
    const store = await openComponent(secrets, { prefix: "DAPR_" }, host);
    expect(await store.get("API_TOKEN", noMetadata, options)).toEqual({ API_TOKEN: "" });
    expect(await store.list?.(noMetadata, options)).toEqual({});
  });
});
