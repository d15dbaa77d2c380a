import { tokensOf } from "#core/identity/token-check.ts";

/** What a serverless target is told by its environment: Worker vars and secrets, or Functions app settings. */
export interface Settings {
  readonly appId: string;
  readonly namespace: string;
  readonly apiTokens: readonly string[];
  readonly appToken?: string;
  /** Answer callers without a token although none is configured. */
  readonly allowAnonymous: boolean;
  /** Where the app is, without a slash at the end; absent where a platform binding leads to it. */
  readonly appUrl?: string;
  readonly resources: readonly NamedText[];
  readonly configurations: readonly NamedText[];
  readonly maxBodyBytes: number;
  /** Measure, and answer `GET /outrigger/metrics`. */
  readonly metrics: boolean;
}
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

const defaultBodyBytes = 4 * 1024 * 1024;
/** Never shown to components or templates. */
const tokenNames: ReadonlySet<string> = new Set(["DAPR_API_TOKEN", "APP_API_TOKEN"]);

/** Reads the settings; throws with the name of the one that is wrong. */
export function readSettings(env: Readonly<Record<string, unknown>>): Settings {
  const appId = textOf(env, "OUTRIGGER_APP_ID");
  if (appId === undefined) throw new Error("OUTRIGGER_APP_ID is not set; set it to the app's id");
  const appToken = textOf(env, "APP_API_TOKEN");
  const appUrl = textOf(env, "APP_URL")?.replace(/\/+$/, "");
  if (appUrl !== undefined && !/^https?:\/\/[^/?#]+$/.test(appUrl))
    throw new Error(`APP_URL must be like "https://host:port", not ${JSON.stringify(appUrl)}`);
  return {
    appId,
    namespace: textOf(env, "NAMESPACE") ?? "",
    apiTokens: tokensOf(textOf(env, "DAPR_API_TOKEN") ?? ""),
    ...(appToken === undefined ? {} : { appToken }),
    allowAnonymous: textOf(env, "OUTRIGGER_ALLOW_ANONYMOUS") === "true",
    ...(appUrl === undefined ? {} : { appUrl }),
    resources: textsOf(env, "OUTRIGGER_RESOURCES"),
    configurations: textsOf(env, "OUTRIGGER_CONFIG"),
    metrics: textOf(env, "OUTRIGGER_METRICS") === "true",
    maxBodyBytes: bytesOf(env, "OUTRIGGER_MAX_BODY_BYTES") ?? defaultBodyBytes,
  };
}

/** The texts of an environment, tokens left out: what templates and `envRef` may see. */
export function visibleEnv(
  env: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (typeof value === "string" && !tokenNames.has(name)) out[name] = value;
  return out;
}

function textOf(env: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = env[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** `NAME`, `NAME_2`, `NAME_COMPONENTS`… in the order of their names: one Worker var holds 5 KB at most. */
function textsOf(env: Readonly<Record<string, unknown>>, name: string): readonly NamedText[] {
  return Object.keys(env)
    .filter((key) => key === name || (key.startsWith(`${name}_`) && key !== `${name}_PATH`))
    .sort()
    .flatMap((key) => {
      const text = textOf(env, key);
      return text === undefined ? [] : [{ name: key, text }];
    });
}

function bytesOf(env: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const text = textOf(env, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`${name} must be a whole number of bytes, not ${JSON.stringify(text)}`);
}
