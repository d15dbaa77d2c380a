import type { Metadata } from "#core/ports/component.ts";
import type { AppRef, Platform } from "#core/ports/platform.ts";
import type { NameValue } from "./name-value.ts";

/** Where values come from that a document only refers to. */
export interface ValueSource {
  /** One key of a secret; `undefined` where there is none. */
  secret(name: string, key: string): Promise<string | undefined>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly app: AppRef;
  uuid(): string;
}

/** The values by their names as written: references looked up, templates filled in. Rejects with the entry's name and what is missing. */
export async function resolveValues(
  pairs: readonly NameValue[],
  source: ValueSource,
): Promise<Metadata> {
  const out: Record<string, string> = {};
  for (const pair of pairs) out[pair.name] = await resolve(pair, source);
  return out;
}

/** What documents may refer to of the environment. */
export function environmentOf({
  documentEnv,
  env,
}: Pick<Platform, "documentEnv" | "env">): ValueSource["env"] {
  return documentEnv ?? env;
}

/** Components compare names without case, so they get them in lower case. */
export function lowerNames(values: Metadata): Metadata {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

async function resolve(
  { name, value, secretKeyRef, envRef }: NameValue,
  source: ValueSource,
): Promise<string> {
  if (secretKeyRef) {
    const secret = await source.secret(secretKeyRef.name, secretKeyRef.key);
    if (secret === undefined)
      throw new Error(
        `metadata "${name}": secret "${secretKeyRef.name}" has no key "${secretKeyRef.key}"`,
      );
    return secret;
  }
  if (envRef !== undefined) return fromEnvironment(name, envRef, source.env);
  return fillIn(name, value ?? "", source);
}

/** Its secrets are not those of resources. */
const ofRuntime: ReadonlySet<string> = new Set(["APP_API_TOKEN", "OUTRIGGER_COORDINATION"]);

function fromEnvironment(name: string, envRef: string, env: ValueSource["env"]): string {
  const allowed = env["DAPR_ENV_KEYS"];
  const listed = allowed === undefined || allowed === "" || allowed.split(" ").includes(envRef);
  if (
    /\s/.test(envRef) ||
    ofRuntime.has(envRef.toUpperCase()) ||
    envRef.toUpperCase().startsWith("DAPR_") ||
    !listed
  )
    throw new Error(`metadata "${name}": environment variable "${envRef}" cannot be referred to`);
  const found = env[envRef];
  if (found === undefined)
    throw new Error(`metadata "${name}": environment variable "${envRef}" is not set`);
  return found;
}

function fillIn(name: string, value: string, { app, env, ...source }: ValueSource): string {
  if (!value.includes("{")) return value;
  return value.replace(/\{(uuid|podName|namespace|appID)\}/g, (_, template: string) => {
    if (template === "uuid") return source.uuid();
    if (template === "appID") return app.appId;
    // Dapr: the namespace template also holds the app id.
    if (template === "namespace") return `${app.namespace}.${app.appId}`;
    const pod = env["POD_NAME"];
    if (!pod)
      throw new Error(`metadata "${name}": {podName} needs the environment variable POD_NAME`);
    return pod;
  });
}

/** True when a pub/sub's topics carry the namespace too: Dapr decides it by the template in any of its values. */
export function usesNamespace(pairs: readonly NameValue[]): boolean {
  return pairs.some(({ value }) => value?.includes("{namespace}") === true);
}
