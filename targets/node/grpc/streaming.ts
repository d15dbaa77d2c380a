import {
  Metadata,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import type { App } from "#core/kernel/app.ts";
import { toApiError } from "#core/errors/api-error.ts";
import { renderStatus } from "#core/wire/grpc/render-error.ts";
import type { GrpcRequestOrigin } from "#core/wire/grpc/input.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { AppFinder, PresentedCredentials } from "../listen/app-finder.ts";
import { plainAddress } from "../listen/plain-address.ts";
import { appOf, isAuthenticated } from "./who.ts";

type Bytes = Uint8Array;
type ServerStream = ServerWritableStream<Bytes, Bytes> | ServerDuplexStream<Bytes, Bytes>;

/** Serves a streaming call: finds out whose it is, then writes what the API gives. */
export async function serveStream(
  who: App | AppFinder,
  call: ServerStream,
  run: (caller: GrpcJsOrigin) => AsyncIterable<Bytes>,
): Promise<void> {
  let caller: GrpcJsOrigin;
  try {
    const [given] = call.metadata.get(tokenHeader);
    const token = given === undefined ? undefined : textOf(given);
    const found = appOf(who, {
      token,
      ...peerOf(call),
    });
    const app = found instanceof Promise ? await found : found;
    caller = new GrpcJsOrigin(app, call, isAuthenticated(who, token));
  } catch (reason) {
    return end(call, reason);
  }
  return pump(call, caller, run(caller));
}

/** What the client says. Who stops listening leaves the call open, whose status is still to be sent. */
export function requestsOf(call: ServerDuplexStream<Bytes, Bytes>): AsyncIterable<Bytes> {
  return { [Symbol.asyncIterator]: () => call.iterator({ destroyOnReturn: false }) };
}

/** `address:port`, IPv6 in brackets. */
function peerOf(call: ServerStream): Pick<PresentedCredentials, "remoteAddress" | "remotePort"> {
  const [peer, address = "", port = ""] = /^(.*):(\d+)$/.exec(call.getPeer()) ?? [];
  if (peer === undefined) return { remoteAddress: plainAddress(call.getPeer()) };
  const plain = address.startsWith("[") ? address.slice(1, -1) : address;
  return { remoteAddress: plainAddress(plain), remotePort: Number(port) };
}

/** Writes what the API gives, as fast as the client reads, and ends the call with its status. */
async function pump(
  call: ServerStream,
  caller: GrpcJsOrigin,
  messages: AsyncIterable<Bytes>,
): Promise<void> {
  try {
    for await (const message of messages) {
      if (call.cancelled) return;
      caller.sendHeaders();
      if (!call.write(message)) await drained(call);
    }
    caller.sendHeaders();
    call.end();
  } catch (reason) {
    end(call, reason);
  }
}

function end(call: ServerStream, reason: unknown): void {
  if (call.cancelled) return;
  const { code, message, details } = renderStatus(toApiError(reason));
  const metadata = new Metadata();
  if (details) metadata.set("grpc-status-details-bin", Buffer.from(details));
  call.emit("error", { code, details: message, metadata } as ServerErrorResponse);
}

function drained(call: ServerStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      call.off("cancelled", done);
      resolve();
    };
    call.on("drain", done);
    call.on("cancelled", done);
  });
}

/** Who calls, as grpc-js describes it. */
export class GrpcJsOrigin implements GrpcRequestOrigin {
  readonly app: App;
  readonly isAuthenticated: boolean;
  readonly signal: AbortSignal;
  readonly #call: ServerStream;
  #metadata: Metadata | undefined;
  #sent = false;

  constructor(app: App, call: ServerStream, isAuthenticated: boolean) {
    this.app = app;
    this.isAuthenticated = isAuthenticated;
    this.#call = call;
    const abort = new AbortController();
    this.signal = abort.signal;
    const ended = (): void => abort.abort(new Error("The caller has ended the call"));
    call.once("cancelled", ended);
    call.once("close", ended);
  }
  header(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name);
    return value === undefined ? undefined : textOf(value);
  }
  headers(): readonly string[] {
    const out: string[] = [];
    for (const name of Object.keys(this.#call.metadata.getMap()))
      for (const value of this.#call.metadata.get(name)) out.push(name, textOf(value));
    return out;
  }
  setHeader(name: string, value: string): void {
    (this.#metadata ??= new Metadata()).set(
      name,
      name.endsWith("-bin")
        ? Buffer.from(value, "base64")
        : value.replace(/[^\u0020-\u007e]/g, "?"),
    );
  }
  /** Before the first message; the client learns then that the call has begun. */
  sendHeaders(): void {
    if (this.#sent) return;
    this.#sent = true;
    this.#call.sendMetadata(this.#metadata ?? new Metadata());
  }
}

function textOf(value: string | Buffer): string {
  return typeof value === "string" ? value : value.toString("base64");
}
