import type { Exchange, GuestMessage } from "./exchange.ts";
import type { GuestMemory } from "./memory.ts";

/** What one instance of a guest works on at the moment. */
export interface GuestState {
  readonly memory: () => GuestMemory;
  /** Undefined while the guest starts. */
  exchange: Exchange | undefined;
  /** Features that the guest has asked for while it started: on for every exchange. */
  features: number;
}

const bufferRequest = 1;
export const bufferResponse = 2;
/** Not trailers: no part of the runtime carries them. */
export const offeredFeatures: number = bufferRequest | bufferResponse;

const kinds = ["request", "response", "request trailers", "response trailers"] as const;

/** Functions that a guest imports, by name. */
export type Functions = Readonly<Record<string, (...args: never[]) => number | bigint | void>>;

/** What the functions of the host have of a guest. What the guest may not do throws, which ends its call. */
export interface GuestAccess {
  memory(): GuestMemory;
  /** Throws while the guest starts. */
  exchange(): Exchange;
  /** The message of a header or body function; `undefined` for trailers, of which there are none. */
  message(kind: number): GuestMessage | undefined;
  /** The same, to be changed. Throws where that is too late. */
  mutable(kind: number, action: string): GuestMessage;
}

export function accessTo(state: GuestState): GuestAccess {
  const exchange = (): Exchange => {
    if (!state.exchange) throw new Error("there is no request while the guest starts");
    return state.exchange;
  };
  const message = (kind: number): GuestMessage | undefined => {
    const { request, response } = exchange();
    if (kind === 0) return request;
    if (kind === 1) return response;
    if (kind === 2 || kind === 3) return undefined;
    throw new RangeError(`unsupported kind: ${kind}`);
  };
  return {
    memory: state.memory,
    exchange,
    message,
    mutable: (kind, action) => {
      const found = message(kind);
      const name = kinds[kind] as string;
      if (!found) throw new Error(`can't ${action} ${name}: trailers are not supported`);
      checkTime(exchange(), kind === 0, `${action} ${name}`);
      return found;
    },
  };
}

/** A request changes before the next handler only; a response after it only where it is held back. */
export function checkTime(exchange: Exchange, isRequest: boolean, action: string): void {
  if (!exchange.answered) return;
  if (isRequest) throw new Error(`can't ${action} after next handler`);
  if ((exchange.features & bufferResponse) === 0)
    throw new Error(`can't ${action} after next handler unless buffer_response is enabled`);
}
