import { code } from "./status.ts";

/** Why a proxied call failed, in the runtime's words; `status` is gRPC's. */
export class CallFault extends Error {
  override readonly name = "CallFault";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function tooLarge(maxMessageBytes: number): CallFault {
  return new CallFault(
    code.resourceExhausted,
    `grpc: message larger than max (${maxMessageBytes})`,
  );
}
