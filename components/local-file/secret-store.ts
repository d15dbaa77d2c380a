import { optionsOf } from "#components/_shared/options.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Secret, SecretStore } from "#core/ports/secret-store.ts";
import { flatten } from "./flatten.ts";
import { secrets as manifest } from "./manifest.ts";
import { readSecrets } from "./read-secrets.ts";

/** `features` is what metadata lists as capabilities. */
type FileStore = SecretStore & { readonly features: readonly string[] };

export async function open(spec: ComponentSpec, { log }: Host): Promise<FileStore> {
  const options = optionsOf(spec, manifest.options);
  const path = options.text("secretsFile");
  if (path === undefined)
    throw new Error("missing local secrets file in metadata; give its path as secretsFile");
  const separator = options.text("nestedSeparator") ?? ":";
  const multiValued = options.flag("multiValued");
  const file = await readSecrets(path);
  const secrets = multiValued ? perObject(file, separator, log) : perValue(file, separator, log);
  return {
    features: multiValued ? ["MULTIPLE_KEY_VALUES_PER_SECRET"] : [],
    get: async (name) => {
      const secret = secrets.get(name);
      // Dapr: for this store a secret that is not there is a failure.
      if (!secret) throw new ComponentError("rejected", `secret ${name} not found`);
      return secret;
    },
    list: async () => Object.fromEntries(secrets),
    [Symbol.asyncDispose]: async () => secrets.clear(),
  };
}

function perValue(
  file: Readonly<Record<string, unknown>>,
  separator: string,
  log: Log,
): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const [name, value] of flatten(file, separator)) {
    if (secrets.has(name))
      log.warn(`The secrets file has two values for the name ${name}; the first one is used`);
    else secrets.set(name, { [name]: value });
  }
  return secrets;
}

function perObject(
  file: Readonly<Record<string, unknown>>,
  separator: string,
  log: Log,
): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const [name, value] of Object.entries(file)) {
    const secret: Record<string, string> = {};
    for (const [path, text] of flatten(value, separator)) {
      const key = path === "" ? name : path;
      if (Object.hasOwn(secret, key))
        log.warn(`Secret ${name} has two values for ${key}; the first one is used`);
      else Object.defineProperty(secret, key, { value: text, enumerable: true });
    }
    secrets.set(name, secret);
  }
  return secrets;
}
