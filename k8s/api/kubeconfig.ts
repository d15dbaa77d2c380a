import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { isRecord } from "#core/util/json.ts";
import type { ClusterAccess, Credentials } from "./access.ts";
import { reread } from "./credentials.ts";
import { type ExecConfig, execCredentials, readExec } from "./exec-credentials.ts";
import { readText } from "./read-file.ts";

export interface KubeconfigOptions {
  /** A file; else those of `KUBECONFIG`, else `~/.kube/config`. */
  readonly path?: string | undefined;
  /** Default: `current-context`. */
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now?: () => number;
}
const mostBytes = 1024 * 1024;
const freshMs = 10_000;

/** The cluster and the user of a context. Throws with the file and what is wrong in it. */
export async function kubeconfigAccess(options: KubeconfigOptions): Promise<ClusterAccess> {
  const { env, now = Date.now } = options;
  const config = await readConfig(options);
  const contextName = options.context ?? config.currentContext;
  if (contextName === undefined)
    throw new Error(`${config.files} names no current-context, and none was asked for`);
  const context = entryOf(config, "context", contextName, `${config.files}`);
  const because = `context "${contextName}"`;
  const cluster = entryOf(config, "cluster", text(context, "cluster") ?? "", because);
  const userName = text(context, "user");
  const user = userName === undefined ? nobody : entryOf(config, "user", userName, because);
  const server = text(cluster, "server");
  if (server === undefined) throw new Error(`${cluster.what} has no server`);
  refuse(cluster, "proxy-url", "unset it and reach the API server directly");
  refuse(user, "auth-provider", "use an exec plugin instead, as kubectl demands");
  refuse(user, "username", "use a token or a certificate");
  refuse(user, "as", "use the credentials of that user");

  const fixed = {
    ...optional("serverName", text(cluster, "tls-server-name")),
    ...(cluster.values["insecure-skip-tls-verify"] === true ? { isInsecure: true } : {}),
  };
  const exec = readExec(user.values["exec"], user);
  const fromFiles = async (): Promise<Credentials> => {
    const [ca, certificate, privateKey, token] = await Promise.all([
      pem(cluster, "certificate-authority"),
      pem(user, "client-certificate"),
      pem(user, "client-key"),
      tokenOf(user),
    ]);
    if ((certificate === undefined) !== (privateKey === undefined))
      throw new Error(`${user.what} needs both client-certificate and client-key`);
    return {
      ...fixed,
      ...optional("ca", ca),
      ...optional("token", token),
      ...(certificate === undefined ? {} : { certificate, privateKey: privateKey as string }),
    };
  };
  const read = reread(await fromFiles(), fromFiles, freshMs, now);
  return {
    server,
    namespace: text(context, "namespace") ?? "default",
    credentials: exec === undefined ? read : withExec(exec, read, cluster, { env, now }),
  };
}

/** What the program gives comes on top of what the files say of the cluster. */
function withExec(
  exec: ExecConfig,
  read: (refused?: Credentials) => Promise<Credentials>,
  cluster: Entry,
  options: { readonly env: KubeconfigOptions["env"]; readonly now: () => number },
): ClusterAccess["credentials"] {
  const run = execCredentials(exec, {
    ...options,
    describeCluster: async () => ({
      server: text(cluster, "server"),
      "tls-server-name": text(cluster, "tls-server-name"),
      "insecure-skip-tls-verify": cluster.values["insecure-skip-tls-verify"] === true || undefined,
      "certificate-authority-data": base64((await read()).ca),
      config: execExtension(cluster),
    }),
  });
  let joined: { readonly files: Credentials; readonly own: Credentials; readonly all: Credentials };
  return async (refused) => {
    const isRefused = refused !== undefined && refused === joined?.all;
    const [files, own] = [await read(), await run(isRefused)];
    if (joined?.files !== files || joined.own !== own)
      joined = { files, own, all: { ...files, ...own } };
    return joined.all;
  };
}
const base64 = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString("base64");

function execExtension({ values }: Entry): unknown {
  const extensions = Array.isArray(values["extensions"]) ? (values["extensions"] as unknown[]) : [];
  const found = extensions.find(
    (each) => isRecord(each) && each["name"] === "client.authentication.k8s.io/exec",
  );
  return isRecord(found) ? found["extension"] : undefined;
}

/** A cluster, user or context, and where it stands. */
export interface Entry {
  /** `user "jane" of /home/jane/.kube/config`, for messages. */
  readonly what: string;
  /** Paths are relative to it. */
  readonly folder: string;
  readonly values: Readonly<Record<string, unknown>>;
}
type Kind = "cluster" | "user" | "context";
interface Config {
  /** For messages. */
  readonly files: string;
  readonly currentContext: string | undefined;
  readonly entries: Readonly<Record<Kind, ReadonlyMap<string, Entry>>>;
}
const nobody: Entry = { what: "nobody", folder: "/", values: {} };

/** Several files count together; of what two say, the first counts. */
async function readConfig({ path, env }: KubeconfigOptions): Promise<Config> {
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((each) => each !== "");
  const paths =
    path !== undefined
      ? [path]
      : listed.length > 0
        ? listed
        : [join(env["HOME"] ?? homedir(), ".kube/config")];
  const entries = { cluster: new Map(), user: new Map(), context: new Map() } as const;
  let currentContext: string | undefined;
  let missing: unknown;
  let found = 0;
  for (const file of paths) {
    let source: string;
    try {
      source = await readText(file, mostBytes);
    } catch (reason) {
      missing = reason;
      // Those of a list may be missing, as with kubectl.
      if (paths.length > 1 && isMissing(reason)) continue;
      throw reason;
    }
    found++;
    const values = parseFile(source, file);
    currentContext ??= text({ values, what: file, folder: "" }, "current-context");
    for (const kind of ["cluster", "user", "context"] as const)
      collect(entries[kind], kind, values[`${kind}s`], file);
  }
  if (found === 0) throw missing;
  return { files: paths.join(delimiter), currentContext, entries };
}
function isMissing(reason: unknown): boolean {
  return ((reason as Error).cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
}
function parseFile(source: string, file: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = parse(source, { logLevel: "error" });
  } catch (reason) {
    // What a parser says shows the line, and with it perhaps a token.
    const { code = "", linePos } = reason as { code?: string; linePos?: [{ line: number }] };
    throw new Error(`${file} is not valid YAML: ${code}, line ${linePos?.[0].line ?? "unknown"}`);
  }
  if (parsed === null || parsed === undefined) return {};
  if (!isRecord(parsed)) throw new Error(`${file} is not a kubeconfig`);
  return parsed;
}
function collect(into: Map<string, Entry>, kind: Kind, list: unknown, file: string): void {
  if (list === undefined || list === null) return;
  if (!Array.isArray(list)) throw new Error(`${kind}s of ${file} is not a list`);
  for (const each of list as unknown[]) {
    const name = isRecord(each) ? each["name"] : undefined;
    const values = isRecord(each) ? (each[kind] ?? {}) : undefined;
    if (typeof name !== "string" || !isRecord(values))
      throw new Error(`${kind}s of ${file}: each needs a name and a ${kind}`);
    if (into.has(name)) continue;
    into.set(name, {
      what: `${kind} "${name}" of ${file}`,
      folder: dirname(resolve(file)),
      values,
    });
  }
}
function entryOf(config: Config, kind: Kind, name: string, because: string): Entry {
  const entry = config.entries[kind].get(name);
  if (entry !== undefined) return entry;
  throw new Error(
    kind === "context"
      ? `${because} has no context "${name}"`
      : `${config.files} has no ${kind} "${name}", which ${because} names`,
  );
}

function text({ values, what }: Entry, name: string): string | undefined {
  const value = values[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new Error(`${name} of ${what} is not text`);
  return value;
}
function refuse({ values, what }: Entry, name: string, advice: string): void {
  if (values[name] !== undefined && values[name] !== null && values[name] !== "")
    throw new Error(`${name} of ${what} is not supported: ${advice}`);
}
/** From the field itself (`…-data`, base64) or from the file that it names. */
async function pem(entry: Entry, name: string): Promise<string | undefined> {
  const data = text(entry, `${name}-data`);
  if (data === undefined) {
    const path = text(entry, name);
    return path === undefined ? undefined : readText(resolve(entry.folder, path), mostBytes);
  }
  const decoded = Buffer.from(data, "base64").toString("utf8");
  if (!decoded.includes("-----BEGIN "))
    throw new Error(`${name}-data of ${entry.what} is not PEM in base64`);
  return decoded;
}
/** A file counts before the token beside it. */
async function tokenOf(entry: Entry): Promise<string | undefined> {
  const path = text(entry, "tokenFile");
  const token =
    path === undefined ? text(entry, "token") : await readText(resolve(entry.folder, path), 65_536);
  return token?.trim();
}
function optional<Name extends string>(
  name: Name,
  value: string | undefined,
): { readonly [key in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in Name]?: string });
}
