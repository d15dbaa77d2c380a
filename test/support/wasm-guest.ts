/** Instructions, as bytes; functions by name. */
export type Code = ReadonlyArray<number | string>;
export interface GuestText {
  /** Texts in memory, by address. */
  readonly data?: Readonly<Record<number, string>>;
  readonly start?: Code;
  /** As the module's start section instead of the export `_start`. */
  readonly startSection?: boolean;
  /** Must leave an i64: 0 answers, 1 goes on. */
  readonly request?: Code;
  readonly response?: Code;
  /** Instead of the exports that a guest must have. */
  readonly exportNames?: readonly [request: string, response: string, memory: string];
  /** A function that no host offers. */
  readonly alien?: readonly [module: string, name: string];
}

type Type = readonly [params: readonly number[], results: readonly number[]];
const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const i32 = 0x7f;
const i64 = 0x7e;
const of = (count: number, ...results: readonly number[]): Type => [
  Array<number>(count).fill(i32),
  results,
];
const handler: Readonly<Record<string, Type>> = {
  enable_features: of(1, i32),
  get_config: of(2, i32),
  log: of(3),
  get_uri: of(2, i32),
  set_uri: of(2),
  set_method: of(2),
  get_header_names: of(3, i64),
  get_header_values: of(5, i64),
  set_header_value: of(5),
  add_header_value: of(5),
  remove_header: of(3),
  read_body: of(3, i64),
  write_body: of(3),
  get_source_addr: of(2, i32),
  get_status_code: of(0, i32),
  set_status_code: of(1),
};
const wasi: Readonly<Record<string, Type>> = {
  fd_write: of(4, i32),
  clock_time_get: [[i32, i64, i32], [i32]],
  random_get: of(2, i32),
  proc_exit: of(1),
  path_open: of(1, i32),
};

/** Pushes a number, signed LEB128. */
export function int(value: number, type: "i32" | "i64" = "i32"): number[] {
  const out = [type === "i32" ? 0x41 : 0x42];
  for (let rest = value; ;) {
    const byte = rest & 127;
    rest >>= 7;
    const done = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0);
    out.push(done ? byte : byte | 128);
    if (done) return out;
  }
}
export const call = (name: string, ...args: readonly number[]): Code => [
  ...args.flatMap((arg) => int(arg)),
  name,
];
export const drop = 0x1a;
export const unreachable = 0x00;
/** i64 to i32. */
export const wrap = 0xa7;
export const goOn: Code = int(1, "i64");
export const answer: Code = int(0, "i64");

/** A http-wasm guest, assembled from its text: enough of the binary format for small tests. */
export function wasmGuest(text: GuestText): Uint8Array<ArrayBuffer> {
  const { data = {}, start = [], request = goOn, response = [], alien } = text;
  const used = [
    ...new Set([...start, ...request, ...response].filter((each) => typeof each === "string")),
  ];
  const imports = used.map((name) =>
    name in handler
      ? (["http_handler", name, handler[name] as Type] as const)
      : (["wasi_snapshot_preview1", name, wasi[name] as Type] as const),
  );
  const all = alien ? [...imports, [...alien, of(0)] as const] : imports;
  const own: readonly Type[] = [of(0, i64), of(2), of(0)];
  const types = [...all.map(([, , type]) => type), ...own];
  const body = (code: Code): number[] => {
    const bytes = code.flatMap((each) =>
      typeof each === "number" ? [each] : [0x10, used.indexOf(each)],
    );
    return sized([0, ...bytes, 0x0b]);
  };
  const [requestName, responseName, memoryName] = text.exportNames ?? [
    "handle_request",
    "handle_response",
    "memory",
  ];
  const first = all.length;
  const exports = [
    [...name(requestName), 0, first],
    [...name(responseName), 0, first + 1],
    [...name(memoryName), 2, 0],
    ...(text.startSection ? [] : [[...name("_start"), 0, first + 2]]),
  ];
  const segments = Object.entries(data).map(([at, value]) => [
    0,
    ...int(Number(at)),
    0x0b,
    ...sized([...new TextEncoder().encode(value)]),
  ]);
  return Uint8Array.from([
    ...magic,
    ...section(
      1,
      types.map(([params, results]) => [0x60, ...list(params), ...list(results)]),
    ),
    ...section(
      2,
      all.map(([module, field], i) => [...name(module), ...name(field), 0, i]),
    ),
    ...section(
      3,
      own.map((_, i) => [first + i]),
    ),
    ...section(5, [[0, 1]]),
    ...section(7, exports),
    ...(text.startSection ? [8, ...sized([first + 2])] : []),
    ...section(10, [body(request), body(response), body(start)]),
    ...section(11, segments),
  ]);
}

function number(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...number(value >> 7)];
}
function sized(bytes: readonly number[]): number[] {
  return [...number(bytes.length), ...bytes];
}
function list(bytes: readonly number[]): number[] {
  return sized(bytes);
}
function name(text: string): number[] {
  return sized([...new TextEncoder().encode(text)]);
}
function section(id: number, entries: ReadonlyArray<readonly number[]>): number[] {
  return [id, ...sized([...number(entries.length), ...entries.flat()])];
}
