import { isHeaderName } from "#core/util/header-value.ts";
import type { Log } from "#core/ports/platform.ts";
import { bodyFunctions } from "./body-functions.ts";
import {
  accessTo,
  checkTime,
  type Functions,
  type GuestAccess,
  type GuestState,
  offeredFeatures,
} from "./guest-access.ts";
import { headerFunctions } from "./header-functions.ts";

const logLevels: Readonly<Record<number, keyof Log>> = {
  [-1]: "debug",
  0: "info",
  1: "warn",
  2: "error",
};

/** The functions of the module `http_handler`, as https://http-wasm.io/http-handler-abi/ describes them. What a guest may not do throws, which ends its call. */
export function hostFunctions(state: GuestState, config: string, log: Log): Functions {
  const access = accessTo(state);
  const { memory } = access;
  return {
    enable_features: (features: number) => {
      if (!state.exchange) return (state.features |= features & offeredFeatures);
      return (state.exchange.features |= features & offeredFeatures);
    },
    get_config: (at: number, limit: number) => memory().put(at, limit, config),
    log_enabled: (level: number) => (logLevels[level] ? 1 : 0),
    log: (level: number, at: number, length: number) => {
      const method = logLevels[level];
      if (method) log[method](memory().text(at, length));
    },
    ...messageFunctions(access),
    ...headerFunctions(access),
    ...bodyFunctions(access),
  };
}

/** The request line, where the request comes from, and the status of the response. */
function messageFunctions({ memory, exchange, mutable }: GuestAccess): Functions {
  return {
    get_method: (at: number, limit: number) => memory().put(at, limit, exchange().request.method),
    set_method: (at: number, length: number) => {
      mutable(0, "set method of");
      const method = memory().text(at, length);
      if (!isHeaderName(method)) throw new Error(`${JSON.stringify(method)} is not an HTTP method`);
      exchange().request.method = method;
    },
    get_uri: (at: number, limit: number) => memory().put(at, limit, exchange().request.path),
    set_uri: (at: number, length: number) => {
      mutable(0, "set uri of");
      const uri = memory().text(at, length) || "/";
      if (!/^\/[\x21-\x7e]*$/.test(uri) || /%(?![0-9A-Fa-f]{2})/.test(uri))
        throw new Error(`${JSON.stringify(uri)} is not a path`);
      exchange().request.path = uri;
    },
    get_protocol_version: (at: number, limit: number) => memory().put(at, limit, "HTTP/1.1"),
    get_source_addr: (at: number, limit: number) =>
      memory().put(at, limit, sourceAddress(exchange().remoteAddress)),
    get_status_code: () => exchange().response.status,
    set_status_code: (status: number) => {
      checkTime(exchange(), false, "set status code of response");
      if (status < 200 || status > 599) throw new RangeError(`there is no HTTP status ${status}`);
      exchange().response.status = status;
    },
  };
}

/** With a port, as the interface wants it; ours is not known. */
function sourceAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.includes(":") ? `[${address}]:0` : `${address}:0`;
}
