import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { SecretStore } from "#core/ports/secret-store.ts";

export async function open(spec: ComponentSpec, { env, log }: Host): Promise<SecretStore> {
  const prefix = spec.metadata["prefix"] ?? "";
  return {
    // Dapr: what is not there, or must not be read, is an empty text.
    get: async (name) => {
      const variable = prefix + name;
      const allowed = isAllowed(variable);
      if (!allowed)
        log.warn(`Secret store ${spec.name} does not give out the variable ${variable}`);
      return {
        [name]: (allowed && Object.hasOwn(env, variable) ? env[variable] : undefined) ?? "",
      };
    },
    list: async () =>
      Object.fromEntries(
        Object.entries(env).flatMap(([variable, value]) => {
          if (value === undefined || !variable.startsWith(prefix) || !isAllowed(variable))
            return [];
          const name = variable.slice(prefix.length);
          return name === "" ? [] : [[name, { [name]: value }]];
        }),
      ),
    [Symbol.asyncDispose]: async () => {},
  };
}

const ofRuntime: ReadonlySet<string> = new Set(["APP_API_TOKEN", "OUTRIGGER_COORDINATION"]);

/** The tokens of the runtime and its settings are not secrets of an app. */
function isAllowed(variable: string): boolean {
  const upper = variable.toUpperCase();
  return !ofRuntime.has(upper) && !upper.startsWith("DAPR_");
}
