import { type Fields, scalarText } from "./fields.ts";

/** A setting: a value, or where to get it. */
export interface NameValue {
  readonly name: string;
  readonly value?: string;
  readonly secretKeyRef?: { readonly name: string; readonly key: string };
  readonly envRef?: string;
}

/** `spec.metadata[]`, headers and the like. */
export function readNameValues(fields: Fields, name: string): readonly NameValue[] {
  return fields.list(name).flatMap((entry): readonly NameValue[] => {
    const pair = { name: entry.text("name") ?? "" };
    const value = entry.raw("value");
    const envRef = entry.text("envRef");
    const ref = entry.fields("secretKeyRef");
    const secret = ref.text("name") ?? "";
    const key = ref.text("key") ?? "";
    if (secret === "" && key !== "") ref.warn("name", "is missing, so the reference has no effect");
    ref.done();
    entry.done();
    // Dapr: hands it on under an empty name, which no component reads.
    if (pair.name === "") {
      entry.warn("name", "is missing, so the entry has no effect");
      return [];
    }
    if (secret !== "") return [{ ...pair, secretKeyRef: { name: secret, key: key || secret } }];
    // Dapr: a value counts more than envRef, and what it exports has both, and an empty secretKeyRef.
    if (value === undefined && envRef !== undefined && envRef !== "") return [{ ...pair, envRef }];
    return [{ ...pair, value: scalarText(value) }];
  });
}

/** The secret store that references are looked up in; `undefined` when the document names none. */
export function readSecretStore(fields: Fields): string | undefined {
  const auth = fields.fields("auth");
  const store = auth.text("secretStore");
  auth.done();
  return store === "" ? undefined : store;
}
