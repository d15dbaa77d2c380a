import { isHeaderName } from "#core/util/header-value.ts";
import { headerValues, withHeader, withoutHeaders } from "#core/util/header-list.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Exchange, GuestMessage } from "./exchange.ts";
import { joined } from "./joined.ts";
import type { GuestMemory } from "./memory.ts";

/** What one instance of a guest works on at the moment. */
export interface GuestState {
  readonly memory: () => GuestMemory;
  /** Undefined while the guest starts. */
  exchange: Exchange | undefined;
  /** Features that the guest has asked for while it started: on for every exchange. */
  features: number;
}

export const bufferRequest = 1;
export const bufferResponse = 2;
/** Trailers are not: no part of the runtime carries them. */
const offered: number = bufferRequest | bufferResponse;

const kinds = ["request", "response", "request trailers", "response trailers"] as const;
const logLevels: Readonly<Record<number, keyof Log>> = {
  [-1]: "debug",
  0: "info",
  1: "warn",
  2: "error",
};

type Functions = Readonly<Record<string, (...args: never[]) => number | bigint | void>>;

/** The functions of the module `http_handler`, as https://http-wasm.io/http-handler-abi/ describes them. What a guest may not do throws, which ends its call. */
export function hostFunctions(state: GuestState, config: string, log: Log): Functions {
  const memory = (): GuestMemory => state.memory();
  const current = (): Exchange => {
    if (!state.exchange) throw new Error("there is no request while the guest starts");
    return state.exchange;
  };
  /** The message of a header or body function; `undefined` for trailers, of which there are none. */
  const messageOf = (kind: number): GuestMessage | undefined => {
    const { request, response } = current();
    if (kind === 0) return request;
    if (kind === 1) return response;
    if (kind === 2 || kind === 3) return undefined;
    throw new RangeError(`unsupported kind: ${kind}`);
  };
  const mutable = (kind: number, action: string): GuestMessage => {
    const message = messageOf(kind);
    const name = kinds[kind] as string;
    if (!message) throw new Error(`can't ${action} ${name}: trailers are not supported`);
    checkTime(current(), kind === 0, `${action} ${name}`);
    return message;
  };
  const nameAt = (at: number, length: number): string => {
    const name = memory().text(at, length);
    if (!isHeaderName(name)) throw new Error(`${JSON.stringify(name)} is not a name of a header`);
    return name;
  };
  const valueAt = (at: number, length: number): string => {
    const value = memory().byteText(at, length);
    if (/[\r\n\0]/.test(value)) throw new Error("a header's value must not have line breaks");
    return value;
  };
  return {
    enable_features: (features: number) => {
      if (!state.exchange) return (state.features |= features & offered);
      return (state.exchange.features |= features & offered);
    },
    get_config: (at: number, limit: number) => memory().put(at, limit, config),
    log_enabled: (level: number) => (logLevels[level] ? 1 : 0),
    log: (level: number, at: number, length: number) => {
      const method = logLevels[level];
      if (method) log[method](memory().text(at, length));
    },
    get_method: (at: number, limit: number) => memory().put(at, limit, current().request.method),
    set_method: (at: number, length: number) => {
      mutable(0, "set method of");
      const method = memory().text(at, length);
      if (!isHeaderName(method)) throw new Error(`${JSON.stringify(method)} is not an HTTP method`);
      current().request.method = method;
    },
    get_uri: (at: number, limit: number) => memory().put(at, limit, current().request.path),
    set_uri: (at: number, length: number) => {
      mutable(0, "set uri of");
      const uri = memory().text(at, length) || "/";
      if (!/^\/[\x21-\x7e]*$/.test(uri) || /%(?![0-9A-Fa-f]{2})/.test(uri))
        throw new Error(`${JSON.stringify(uri)} is not a path`);
      current().request.path = uri;
    },
    get_protocol_version: (at: number, limit: number) => memory().put(at, limit, "HTTP/1.1"),
    get_source_addr: (at: number, limit: number) =>
      memory().put(at, limit, sourceAddress(current().remoteAddress)),
    get_header_names: (kind: number, at: number, limit: number) =>
      memory().putList(at, limit, namesOf(messageOf(kind))),
    get_header_values: (
      kind: number,
      nameAt_: number,
      nameLength: number,
      at: number,
      limit: number,
    ) =>
      memory().putList(
        at,
        limit,
        headerValues(messageOf(kind)?.headers ?? [], nameAt(nameAt_, nameLength).toLowerCase()),
      ),
    set_header_value: (kind: number, n: number, nLength: number, v: number, vLength: number) => {
      const message = mutable(kind, "set header of");
      message.headers = withHeader(message.headers, nameAt(n, nLength), valueAt(v, vLength));
    },
    add_header_value: (kind: number, n: number, nLength: number, v: number, vLength: number) => {
      const message = mutable(kind, "add header to");
      message.headers = [...message.headers, nameAt(n, nLength), valueAt(v, vLength)];
    },
    remove_header: (kind: number, n: number, nLength: number) => {
      const message = mutable(kind, "remove header of");
      message.headers = withoutHeaders(message.headers, nameAt(n, nLength).toLowerCase());
    },
    read_body: (kind: number, at: number, limit: number) => {
      if (limit === 0) throw new RangeError("a body cannot be read into no space");
      const exchange = current();
      if (kind === 1) checkTime(exchange, false, "read body of response");
      else if (kind !== 0) throw new RangeError(`unsupported kind: ${kind}`);
      const message = kind === 0 ? exchange.request : exchange.response;
      const rest = (message.body ?? none).subarray(message.readAt);
      const part = rest.subarray(0, limit >>> 0);
      memory().put(at, limit, part);
      message.readAt += part.length;
      // The upper half says that the end is reached.
      const ended = part.length < limit >>> 0 ? 1n << 32n : 0n;
      return ended | BigInt(part.length);
    },
    write_body: (kind: number, at: number, length: number) => {
      if (kind !== 0 && kind !== 1) throw new RangeError(`unsupported kind: ${kind}`);
      const message = mutable(kind, "write body of");
      const part = memory().bytes(at, length).slice();
      message.body = message.written ? joined(message.body ?? none, part) : part;
      message.written = true;
    },
    get_status_code: () => current().response.status,
    set_status_code: (status: number) => {
      checkTime(current(), false, "set status code of response");
      if (status < 200 || status > 599) throw new RangeError(`there is no HTTP status ${status}`);
      current().response.status = status;
    },
  };
}
const none = new Uint8Array(0);

/** A request changes before the next handler only; a response after it only where it is held back. */
function checkTime(exchange: Exchange, isRequest: boolean, action: string): void {
  if (!exchange.answered) return;
  if (isRequest) throw new Error(`can't ${action} after next handler`);
  if ((exchange.features & bufferResponse) === 0)
    throw new Error(`can't ${action} after next handler unless buffer_response is enabled`);
}

function namesOf(message: GuestMessage | undefined): readonly string[] {
  const names = (message?.headers ?? []).filter((_, i) => i % 2 === 0);
  return [...new Set(names.map((name) => name.toLowerCase()))].sort();
}

/** With a port, as the interface wants it; ours is not known. */
function sourceAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.includes(":") ? `[${address}]:0` : `${address}:0`;
}
