import { checkTime, type Functions, type GuestAccess } from "./guest-access.ts";
import { joined } from "./joined.ts";

const none = new Uint8Array(0);

/** How a guest reads and replaces the body of a request and of a response. */
export function bodyFunctions({ memory, exchange, mutable }: GuestAccess): Functions {
  return {
    read_body: (kind: number, at: number, limit: number) => {
      if (limit === 0) throw new RangeError("a body cannot be read into no space");
      const current = exchange();
      if (kind === 1) checkTime(current, false, "read body of response");
      else if (kind !== 0) throw new RangeError(`unsupported kind: ${kind}`);
      const message = kind === 0 ? current.request : current.response;
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
  };
}
