import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Exchange } from "./exchange.ts";
import { startExport } from "./export-start.ts";
import { bufferResponse, type GuestState } from "./guest-access.ts";
import { hostFunctions } from "./host-functions.ts";
import { GuestMemory } from "./memory.ts";
import { ExitError, notOfferedByWasi, wasiFunctions, type WasiOptions } from "./wasi.ts";
import { engine, type WasmImports, type WasmMemory, type WasmModule } from "./web-assembly.ts";

const handlerModule = "http_handler";
const wasiModule = "wasi_snapshot_preview1";

export interface GuestOptions {
  readonly config: string;
  readonly log: Log;
  readonly sources: Pick<WasiOptions, "wallTime" | "monotonicTime" | "random">;
}

/** One instance of a guest, which works on one request at a time. Each call throws what the guest, or the host on its behalf, ends with. */
export interface Guest {
  /** True when the next handler is to be called; `context` comes back with the response. */
  handleRequest(exchange: Exchange): { readonly next: boolean; readonly context: number };
  handleResponse(exchange: Exchange, context: number, failed: boolean): void;
  /** Features that are on before a request begins. */
  readonly features: number;
}

/** Checks what a module needs and offers, and gives a maker of instances. */
export function guestMaker(module: WasmModule, options: GuestOptions): () => Promise<Guest> {
  const exported = new Map(engine.Module.exports(module).map(({ name, kind }) => [name, kind]));
  for (const [name, kind] of [
    ["handle_request", "function"],
    ["handle_response", "function"],
    ["memory", "memory"],
  ] as const)
    if (exported.get(name) !== kind) throw new Error(`wasm: guest doesn't export ${kind}[${name}]`);
  return async () => instantiate(module, options);
}

/** True for a guest that may ask for a body's bytes. */
export function readsBodies(module: WasmModule): boolean {
  return engine.Module.imports(module).some(
    (wanted) => wanted.module === handlerModule && wanted.name === "read_body",
  );
}

async function instantiate(
  module: WasmModule,
  { config, log, sources }: GuestOptions,
): Promise<Guest> {
  let memory: GuestMemory | undefined;
  const state: GuestState = {
    memory: () => {
      if (!memory) throw new Error("the guest has no memory yet");
      return memory;
    },
    exchange: undefined,
    features: 0,
  };
  const functions: Record<string, object> = {
    [handlerModule]: hostFunctions(state, config, log),
    [wasiModule]: wasiFunctions({
      ...sources,
      memory: state.memory,
      print: (stream, text) => log.debug(`wasm ${stream}: ${text}`),
    }),
  };
  const instance = await engine.instantiate(module, importsOf(module, functions));
  const exported = instance.exports as unknown as {
    readonly memory: WasmMemory;
    readonly handle_request: () => bigint;
    readonly handle_response: (context: number, failed: number) => void;
    readonly [startExport]?: () => void;
    readonly _initialize?: () => void;
    readonly _start?: () => void;
  };
  memory = new GuestMemory(exported.memory);
  start(exported[startExport]);
  start(exported._initialize ?? exported._start);
  const during = <T>(exchange: Exchange, run: () => T): T => {
    state.exchange = exchange;
    try {
      return run();
    } finally {
      state.exchange = undefined;
    }
  };
  return {
    get features() {
      return state.features;
    },
    handleRequest: (exchange) =>
      during(exchange, () => {
        const result = exported.handle_request();
        if (typeof result !== "bigint")
          throw new TypeError(
            "guest exports the wrong signature for func[handle_request]. should be () -> (i64)",
          );
        return {
          next: (result & 0xffff_ffffn) !== 0n,
          context: Number(BigInt.asUintN(32, result >> 32n)),
        };
      }),
    handleResponse: (exchange, context, failed) =>
      during(exchange, () => exported.handle_response(context, failed ? 1 : 0)),
  };
}

/** A command runs its `main` once, and may end itself without fault. */
function start(run: (() => void) | undefined): void {
  try {
    run?.();
  } catch (reason) {
    if (!(reason instanceof ExitError) || reason.code !== 0)
      throw new Error(`wasm: error instantiating guest: ${messageOf(reason)}`, { cause: reason });
  }
}

function importsOf(module: WasmModule, functions: Readonly<Record<string, object>>): WasmImports {
  const out: WasmImports = {};
  for (const { module: from, name, kind } of engine.Module.imports(module)) {
    const found = (functions[from] as Readonly<Record<string, unknown>> | undefined)?.[name];
    const value = found ?? (from === wasiModule ? notOfferedByWasi : undefined);
    if (value === undefined || kind !== "function")
      throw new Error(`wasm: guest needs ${kind}[${from}.${name}], which is not offered`);
    (out[from] ??= {})[name] = value;
  }
  return out;
}

/** True when the response waits for the guest. */
export function holdsResponse({ features }: Exchange): boolean {
  return (features & bufferResponse) !== 0;
}
