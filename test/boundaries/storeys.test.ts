import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const core = join(import.meta.dirname, "../../core");

/**
 * From the ground up: a storey imports those below it, and the rooms of one storey only those named
 * before them.
 */
const storeys: ReadonlyArray<readonly string[]> = [
  ["ports"],
  ["util", "errors"],
  ["identity", "outbound", "resources"],
  ["telemetry", "tracing"],
  ["access-control", "budget", "middleware", "resiliency", "due-times", "ownership"],
  ["kernel"],
  ["gate"],
  ["wire", "wire/http", "wire/grpc"],
  ["blocks/_shared", "blocks/pubsub"],
  ["blocks/*"],
  ["hosting"],
];

/** A room is a folder of core/; wire and blocks have rooms of their own. */
function roomOf(file: string): string {
  const [storey = "", room = ""] = dirname(file).split("/");
  return (storey === "wire" || storey === "blocks") && room !== "" ? `${storey}/${room}` : storey;
}
function placeOf(room: string): readonly [storey: number, room: number] {
  const at = storeys.findIndex((rooms) => rooms.includes(room));
  if (at >= 0) return [at, (storeys[at] as readonly string[]).indexOf(room)];
  return room.startsWith("blocks/")
    ? [storeys.findIndex(([each]) => each === "blocks/*"), 0]
    : [-1, 0];
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}
/** Imports of types count as well: whoever needs a type needs to know about it. */
const imports: readonly Import[] = readdirSync(core, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => relative(core, join(entry.parentPath, entry.name)))
  .filter((file) => !file.startsWith("wire/grpc/gen/"))
  .flatMap((file) =>
    [
      ...readFileSync(join(core, file), "utf8").matchAll(/(?:\bfrom |\bimport\()"([^"\n]+)"/g),
    ].flatMap((match) => {
      const module = match[1] as string;
      const target = module.startsWith("#core/")
        ? module.slice("#core/".length)
        : module.startsWith(".")
          ? normalize(join(dirname(file), module))
          : undefined;
      if (target === undefined) return [];
      const [from, to] = [roomOf(file), roomOf(target)];
      return from === to ? [] : [{ from, to, text: `${file} imports ${target}` }];
    }),
  );

describe("core is built in storeys", () => {
  it("and every folder has its place in them", () => {
    const rooms = new Set(imports.flatMap(({ from, to }) => [from, to]));
    expect([...rooms].filter((room) => placeOf(room)[0] === -1)).toEqual([]);
    expect(rooms.size).toBeGreaterThan(25);
  });
  it("of which none imports one above it, nor a neighbour that imports it", () => {
    const upwards = imports.filter(({ from, to }) => {
      const [storey, room] = placeOf(from);
      const [below, neighbour] = placeOf(to);
      return below > storey || (below === storey && neighbour >= room);
    });
    expect(upwards.map(({ text }) => text)).toEqual([]);
  });
  it("with no cycle among folders", () => {
    const after = new Map<string, Set<string>>();
    for (const { from, to } of imports) after.set(from, (after.get(from) ?? new Set()).add(to));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (room: string, path: readonly string[]): void => {
      if (path.includes(room))
        return void cycles.push([...path.slice(path.indexOf(room)), room].join(" -> "));
      if (done.has(room)) return;
      for (const next of after.get(room) ?? []) visit(next, [...path, room]);
      done.add(room);
    };
    for (const room of after.keys()) visit(room, []);
    expect(cycles).toEqual([]);
  });
});
