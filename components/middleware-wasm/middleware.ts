import { optionsOf } from "#components/_shared/options.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { HttpMiddleware, NextHandler, PipelineRequest } from "#core/ports/http-middleware.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { collect, TooLargeError } from "#core/util/bounded-read.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { realSources, strictSources } from "./clocks.ts";
import { changedRequest, changedResponse, type Exchange, exchangeFor } from "./exchange.ts";
import { exportStart } from "./export-start.ts";
import { joined } from "./joined.ts";
import { type Guest, guestMaker, holdsResponse, readsBodies } from "./guest.ts";
import { middleware } from "./manifest.ts";
import { readGuest } from "./read-guest.ts";
import { engine, type WasmModule } from "./web-assembly.ts";

/** Instances that are kept for the next request; more are made when more requests come at once. */
const mostIdle = 16;

export async function open(spec: ComponentSpec, host: Host): Promise<HttpMiddleware> {
  const given = optionsOf(spec, middleware.options);
  const url = given.text("url");
  if (url === undefined) throw new Error("missing url");
  const module = await compile(await readGuest(url, host));
  const makeGuest = guestMaker(module, {
    config: given.text("guestConfig") ?? "",
    log: host.log,
    sources: given.flag("strictSandbox") ? strictSources(host.clock) : realSources(host.clock),
  });
  const reads = readsBodies(module);
  // One at once, so that a guest that cannot start shows now.
  const idle: Guest[] = [await makeGuest()];
  return {
    handle: async (request, next) => {
      const guest = idle.pop() ?? (await makeGuest());
      const answer = await serve(guest, request, next, reads);
      // One that failed is not used again: nothing is known of its memory.
      if (idle.length < mostIdle) idle.push(guest);
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      idle.length = 0;
    },
  };
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule> {
  try {
    const module = await engine.compile(bytes);
    const changed = exportStart(bytes);
    return changed === bytes ? module : await engine.compile(changed);
  } catch (reason) {
    throw new Error(`wasm: error compiling guest: ${messageOf(reason)}`, { cause: reason });
  }
}

async function serve(
  guest: Guest,
  request: PipelineRequest,
  next: NextHandler,
  reads: boolean,
): Promise<PlainResponse> {
  const body = reads ? await bytesIn(request.body, request.maxBodyBytes) : undefined;
  const exchange = exchangeFor(request, body, guest.features);
  const { next: goOn, context } = guest.handleRequest(exchange);
  if (!goOn) return changedResponse(exchange, undefined);
  let response: PlainResponse;
  try {
    response = await next(changedRequest(request, exchange, body !== undefined));
  } catch (reason) {
    exchange.answered = true;
    guest.handleResponse(exchange, context, true);
    throw reason;
  }
  await answered(exchange, response);
  guest.handleResponse(exchange, context, false);
  return changedResponse(exchange, response);
}

/** Shows the guest what the next handler has answered; its body only where the guest holds responses back. */
async function answered(exchange: Exchange, next: PlainResponse): Promise<void> {
  const { response, mostBytes } = exchange;
  exchange.answered = true;
  response.status = next.status;
  // What the guest has said before stands before what the next handler says.
  response.headers =
    response.headers.length === 0 ? next.headers : [...response.headers, ...next.headers];
  const before = response.written ? response.body : undefined;
  const held = before !== undefined || holdsResponse(exchange);
  const body = held ? await bytesIn(next.body, mostBytes) : undefined;
  response.body = before === undefined ? body : joined(before, body ?? new Uint8Array(0));
  response.written = false;
  response.readAt = 0;
}

async function bytesIn(
  body: PlainRequest["body"],
  mostBytes: number,
): Promise<Uint8Array | undefined> {
  if (body === undefined) return undefined;
  const bytes = body instanceof ReadableStream ? await collect(body, mostBytes) : bytesOf(body);
  if (bytes.length > mostBytes) throw new TooLargeError();
  return bytes;
}
