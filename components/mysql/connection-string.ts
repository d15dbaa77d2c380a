export interface MysqlTarget {
  readonly host: string;
  readonly port: number;
  /** Instead of host and port: a Unix socket. */
  readonly socketPath?: string;
  readonly user: string;
  readonly password: string;
  /** "" where there is none. */
  readonly database: string;
  /** `skip-verify` accepts any certificate. */
  readonly tls: "off" | "verify" | "skip-verify";
  readonly connectTimeoutMs: number | undefined;
}

const defaultPort = 3306;
const wanted =
  "give user:password@tcp(host:3306)/database, or mysql://user:password@host:3306/database";

/** The form of Go's driver, which Dapr uses, or a URL. Never names the text in errors: it has a password. */
export function readConnectionString(text: string): MysqlTarget {
  return /^(?:mysql|mariadb):\/\//.test(text) ? readUrl(text) : readGoName(text);
}

function readUrl(text: string): MysqlTarget {
  const url = URL.parse(text);
  if (!url)
    throw new Error(
      "connectionString is not a valid URL; write special characters of the password as %XX, as in mysql://user:p%40ss@host:3306/database",
    );
  return {
    host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1") || "localhost",
    port: Number(url.port || defaultPort),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...readParameters(url.searchParams),
  };
}

/** `user:password@protocol(address)/database?parameters`: a password may have any of these signs, so the last ones count. */
function readGoName(text: string): MysqlTarget {
  const slash = text.lastIndexOf("/");
  if (slash === -1) throw new Error(`connectionString has no "/" before the database; ${wanted}`);
  const [database = "", ...parameters] = text.slice(slash + 1).split("?");
  const server = text.slice(0, slash);
  const at = server.lastIndexOf("@");
  const credentials = server.slice(0, Math.max(0, at));
  const colon = credentials.indexOf(":");
  const place = /^(tcp|unix)?(?:\((.*)\))?$/.exec(server.slice(at + 1));
  if (!place) throw new Error(`connectionString has no address such as tcp(host:3306); ${wanted}`);
  const [, protocol = "tcp", address = ""] = place;
  return {
    ...(protocol === "unix"
      ? { host: "localhost", port: defaultPort, socketPath: address || "/tmp/mysql.sock" }
      : readAddress(address)),
    user: colon === -1 ? credentials : credentials.slice(0, colon),
    password: colon === -1 ? "" : credentials.slice(colon + 1),
    database: decodeURIComponent(database),
    ...readParameters(new URLSearchParams(parameters.join("?"))),
  };
}

function readAddress(address: string): Pick<MysqlTarget, "host" | "port"> {
  const found = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(address);
  if (!found) throw new Error(`connectionString has an address that is not host:port; ${wanted}`);
  return {
    host: found[1] ?? (found[2] || "127.0.0.1"),
    port: Number(found[3] ?? defaultPort),
  };
}

/** Others only say how the driver of Go behaves. */
function readParameters(
  parameters: URLSearchParams,
): Pick<MysqlTarget, "tls" | "connectTimeoutMs"> {
  const timeout = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(parameters.get("timeout") ?? "");
  return {
    tls: readTls(parameters.get("tls") ?? parameters.get("ssl-mode") ?? ""),
    connectTimeoutMs: timeout
      ? Number(timeout[1]) * (timeoutUnits[timeout[2] as string] as number)
      : undefined,
  };
}
const timeoutUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

function readTls(value: string): MysqlTarget["tls"] {
  switch (value.toLowerCase()) {
    case "":
    case "false":
    case "0":
    case "disabled":
      return "off";
    case "skip-verify":
    case "required":
      return "skip-verify";
    case "true":
    case "1":
    case "custom":
    case "verify_ca":
    case "verify_identity":
      return "verify";
    default:
      throw new Error(
        `connectionString has tls=${value}, which is not supported; choose true, skip-verify or false`,
      );
  }
}
