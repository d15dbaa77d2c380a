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
  return fields.list(name).map((entry) => {
    const pair = { name: entry.required("name") };
    const value = entry.raw("value");
    const envRef = entry.text("envRef");
    const hasSecret = entry.has("secretKeyRef");
    const ref = entry.fields("secretKeyRef");
    if (hasSecret) {
      const secret = ref.required("name");
      const secretKeyRef = { name: secret, key: ref.text("key") || secret };
      ref.done();
      entry.done();
      return { ...pair, secretKeyRef };
    }
    entry.done();
    if (envRef !== undefined && envRef !== "") return { ...pair, envRef };
    return { ...pair, value: scalarText(value) };
  });
}

/** The secret store that references are looked up in; `undefined` when the document names none. */
export function readSecretStore(fields: Fields): string | undefined {
  const auth = fields.fields("auth");
  const store = auth.text("secretStore");
  auth.done();
  return store === "" ? undefined : store;
}
