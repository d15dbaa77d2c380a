import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { isRecord } from "#core/util/json.ts";
import type { Credentials } from "./access.ts";
import { isSame } from "./credentials.ts";

/** A program that gives credentials, as a kubeconfig names it (`client.authentication.k8s.io`). */
export interface ExecConfig {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
  readonly providesClusterInfo: boolean;
  readonly installHint: string;
  /** For messages. */
  readonly what: string;
}
const apiVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
const timeoutMs = 60_000;
const mostOutputBytes = 1024 * 1024;
/** Asked again a little before the end. */
const skewMs = 10_000;

/** `undefined` where none is named. Throws for one that cannot be run. */
export function readExec(
  exec: unknown,
  at: { readonly what: string; readonly folder: string },
): ExecConfig | undefined {
  if (exec === undefined || exec === null) return undefined;
  const wrong = (message: string): Error => new Error(`exec of ${at.what}: ${message}`);
  if (!isRecord(exec)) throw wrong("is not an object");
  const { command, args, env, apiVersion, interactiveMode, provideClusterInfo, installHint } =
    exec as Readonly<Record<string, unknown>> & ExecFields;
  if (typeof command !== "string" || command === "") throw wrong("has no command");
  if (typeof apiVersion !== "string" || !apiVersions.includes(apiVersion))
    throw wrong(`apiVersion must be ${apiVersions.join(" or ")}`);
  if (interactiveMode === "Always") throw wrong("interactiveMode Always needs a terminal");
  if (args != null && !(Array.isArray(args) && args.every((each) => typeof each === "string")))
    throw wrong("args is not a list of strings");
  return {
    // A path is relative to the file that names it; a name is looked for as the shell does.
    command: /[/\\]/.test(command) ? resolve(at.folder, command) : command,
    args: (args as readonly string[] | null | undefined) ?? [],
    env: envOf(env, wrong),
    apiVersion,
    providesClusterInfo: provideClusterInfo === true,
    installHint: typeof installHint === "string" ? installHint.trim().slice(0, 500) : "",
    what: at.what,
  };
}
interface ExecFields {
  readonly command?: unknown;
  readonly args?: unknown;
  readonly env?: unknown;
  readonly apiVersion?: unknown;
  readonly interactiveMode?: unknown;
  readonly provideClusterInfo?: unknown;
  readonly installHint?: unknown;
}
function envOf(env: unknown, wrong: (message: string) => Error): Record<string, string> {
  if (env === undefined || env === null) return {};
  if (!Array.isArray(env)) throw wrong("env is not a list");
  return Object.fromEntries(
    (env as unknown[]).map((each) => {
      if (!isRecord(each) || typeof each["name"] !== "string" || typeof each["value"] !== "string")
        throw wrong("each of env needs a name and a value");
      return [each["name"], each["value"]];
    }),
  );
}

export interface ExecOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** What the program is told of the cluster, where it is to know. */
  describeCluster(): Promise<Readonly<Record<string, unknown>>>;
}
/** Runs the program when first asked, when what it gave is over, and when that was refused; once for all who ask. */
export function execCredentials(
  config: ExecConfig,
  options: ExecOptions,
): (isRefused: boolean) => Promise<Credentials> {
  let known: { readonly credentials: Credentials; readonly until: number } | undefined;
  let running: Promise<Credentials> | undefined;
  return async (isRefused) => {
    if (known !== undefined && !isRefused && options.now() < known.until) return known.credentials;
    running ??= run(config, options)
      .then(({ credentials, until }) => {
        const isNew = known === undefined || !isSame(known.credentials, credentials);
        known = { credentials: isNew || !known ? credentials : known.credentials, until };
        return known.credentials;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}

async function run(
  config: ExecConfig,
  options: ExecOptions,
): Promise<{ readonly credentials: Credentials; readonly until: number }> {
  const info = {
    kind: "ExecCredential",
    apiVersion: config.apiVersion,
    spec: {
      interactive: false,
      ...(config.providesClusterInfo ? { cluster: await options.describeCluster() } : {}),
    },
  };
  const env = { ...options.env, ...config.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  const output = await new Promise<string>((resolveOutput, reject) => {
    const child = execFile(
      config.command,
      config.args,
      {
        env,
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: mostOutputBytes,
        encoding: "utf8",
      },
      (failure, stdout, stderr) =>
        failure === null ? resolveOutput(stdout) : reject(runError(config, failure, stderr)),
    );
    child.stdin?.end();
    // To whom is there: the page to log in at, say.
    if (process.stderr.isTTY) child.stderr?.on("data", (text) => void process.stderr.write(text));
  });
  return read(output, config);
}
function runError(config: ExecConfig, failure: Error, stderr: string): Error {
  const { code, killed } = failure as NodeJS.ErrnoException & { readonly killed?: boolean };
  // Not the message: it holds the command line, and arguments may be secrets.
  const why =
    (code as unknown) === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER"
      ? `said more than ${mostOutputBytes} bytes`
      : killed === true
        ? `did not end within ${timeoutMs / 1000} s`
        : `failed (${code ?? "killed"})`;
  const said = stderr.trim().slice(0, 500);
  const hint = (code as unknown) === "ENOENT" ? config.installHint : "";
  return new Error(
    [`exec of ${config.what}: ${config.command} ${why}`, said, hint]
      .filter((part) => part !== "")
      .join(": "),
  );
}

function read(
  output: string,
  config: ExecConfig,
): { readonly credentials: Credentials; readonly until: number } {
  const wrong = (message: string): Error =>
    new Error(`exec of ${config.what}: ${config.command} ${message}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch {
    throw wrong("did not answer with JSON");
  }
  if (!isRecord(parsed) || parsed["kind"] !== "ExecCredential")
    throw wrong("did not answer with an ExecCredential");
  if (parsed["apiVersion"] !== config.apiVersion)
    throw wrong(`answered with another apiVersion than ${config.apiVersion}`);
  const status = isRecord(parsed["status"]) ? parsed["status"] : {};
  const of = (name: string): unknown => status[name] ?? undefined;
  const token = of("token");
  const certificate = of("clientCertificateData");
  const privateKey = of("clientKeyData");
  const expirationTimestamp = of("expirationTimestamp");
  if ((certificate === undefined) !== (privateKey === undefined))
    throw wrong("must give both clientCertificateData and clientKeyData");
  if (!isText(token) || !isText(certificate) || !isText(privateKey))
    throw wrong("answered with credentials that are not strings");
  if (!token && !certificate) throw wrong("gave neither a token nor a certificate");
  const until =
    expirationTimestamp === undefined ? Infinity : Date.parse(expirationTimestamp as string);
  if (Number.isNaN(until)) throw wrong("gave an expirationTimestamp that is not a time");
  return {
    credentials: {
      ...(token ? { token: token.trim() } : {}),
      ...(certificate && privateKey ? { certificate, privateKey } : {}),
    },
    until: until - skewMs,
  };
}
function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
