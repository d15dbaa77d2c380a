import { afterAll, beforeAll, expect, test } from "vitest";
import { noMetadata } from "#core/ports/component.ts";
import type { Secret, SecretStore } from "#core/ports/secret-store.ts";

export interface SecretStoreSubject {
  readonly open: () => Promise<SecretStore>;
  /** Secrets that the store has been given, by name. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /** What the store says of a secret that it does not have. */
  readonly missing: "nothing" | "empty-text" | "failure";
}
const options = { signal: new AbortController().signal };

/** What every secret store promises, whatever is behind it. */
export function secretStoreContract({ open, secrets, missing }: SecretStoreSubject): void {
  let store: SecretStore;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(async () => store?.[Symbol.asyncDispose]());

  test("get gives each secret as it is", async () => {
    for (const [name, secret] of Object.entries(secrets))
      expect(await store.get(name, noMetadata, options)).toEqual(secret);
  });
  test.each(["no-such-secret", "constructor", "__proto__", "toString"])(
    "get knows no secret %s",
    async (name) => {
      const answer = store.get(name, noMetadata, options);
      if (missing === "failure") await expect(answer).rejects.toThrow(name);
      else {
        const secret = await answer;
        if (missing === "nothing") expect(secret).toBeUndefined();
        else expect(Object.entries(secret ?? {})).toEqual([[name, ""]]);
      }
    },
  );
  test("list has every secret as get gives it", async ({ skip }) => {
    if (!store.list) skip("the store cannot list");
    const listed = await (store.list as NonNullable<SecretStore["list"]>)(noMetadata, options);
    for (const [name, secret] of Object.entries(secrets)) expect(listed[name]).toEqual(secret);
  });
}
