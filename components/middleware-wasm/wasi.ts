import type { GuestMemory } from "./memory.ts";

export interface WasiOptions {
  readonly memory: () => GuestMemory;
  /** What the guest prints to its standard output and error. */
  print(stream: "stdout" | "stderr", text: string): void;
  /** Nanoseconds since 1970. */
  wallTime(): bigint;
  /** Nanoseconds since some start. */
  monotonicTime(): bigint;
  random(into: Uint8Array): void;
}

/** Thrown into a guest that ends itself. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly code: number;
  constructor(code: number) {
    super(`the guest ended itself with code ${code}`);
    this.code = code;
  }
}

const success = 0;
const badDescriptor = 8;
const invalid = 28;
const notOffered = 52;
const characterDevice = 2;
const decoder = new TextDecoder();

type Functions = Readonly<Record<string, (...args: never[]) => number>>;

/** The part of `wasi_snapshot_preview1` that needs no files: console, clocks, random numbers. All else is not offered. */
export function wasiFunctions(options: WasiOptions): Functions {
  const memory = (): GuestMemory => options.memory();
  const put32 = (at: number, value: number): void =>
    memory()
      .view()
      .setUint32(at >>> 0, value, true);
  const put64 = (at: number, value: bigint): void =>
    memory()
      .view()
      .setBigUint64(at >>> 0, value, true);
  /** A list of nothing: no arguments, no environment. */
  const nothing = (count: number, size: number): number => {
    put32(count, 0);
    put32(size, 0);
    return success;
  };
  return {
    args_sizes_get: nothing,
    args_get: () => success,
    environ_sizes_get: nothing,
    environ_get: () => success,
    fd_write: (fd: number, iovs: number, count: number, written: number) => {
      if (fd !== 1 && fd !== 2) return badDescriptor;
      let size = 0;
      let text = "";
      for (let i = 0; i < count; i++) {
        const view = memory().view();
        const at = view.getUint32((iovs >>> 0) + i * 8, true);
        const length = view.getUint32((iovs >>> 0) + i * 8 + 4, true);
        text += decoder.decode(memory().bytes(at, length));
        size += length;
      }
      if (text !== "") options.print(fd === 1 ? "stdout" : "stderr", text);
      put32(written, size);
      return success;
    },
    fd_read: (fd: number, _iovs: number, _count: number, read: number) => {
      if (fd !== 0) return badDescriptor;
      put32(read, 0);
      return success;
    },
    fd_fdstat_get: (fd: number, stat: number) => {
      if (fd < 0 || fd > 2) return badDescriptor;
      memory().bytes(stat, 24).fill(0);
      memory()
        .view()
        .setUint8(stat >>> 0, characterDevice);
      return success;
    },
    fd_close: (fd: number) => (fd >= 0 && fd <= 2 ? success : badDescriptor),
    fd_prestat_get: () => badDescriptor,
    fd_prestat_dir_name: () => badDescriptor,
    clock_res_get: (_clock: number, at: number) => {
      put64(at, 1_000_000n);
      return success;
    },
    clock_time_get: (clock: number, _precision: bigint, at: number) => {
      if (clock !== 0 && clock !== 1) return invalid;
      put64(at, clock === 0 ? options.wallTime() : options.monotonicTime());
      return success;
    },
    random_get: (at: number, length: number) => {
      options.random(memory().bytes(at, length));
      return success;
    },
    // Nothing may wait here: a pause is over at once.
    poll_oneoff: (subscriptions: number, events: number, count: number, done: number) => {
      if (count <= 0) return invalid;
      const view = memory().view();
      for (let i = 0; i < count; i++) {
        const from = (subscriptions >>> 0) + i * 48;
        const to = (events >>> 0) + i * 32;
        memory().bytes(to, 32).fill(0);
        view.setBigUint64(to, view.getBigUint64(from, true), true);
        view.setUint8(to + 10, view.getUint8(from + 8));
      }
      put32(done, count);
      return success;
    },
    sched_yield: () => success,
    proc_exit: (code: number) => {
      throw new ExitError(code);
    },
  };
}

export function notOfferedByWasi(): number {
  return notOffered;
}
