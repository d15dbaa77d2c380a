import { beforeEach, describe, inject } from "vitest";
import type { CellName } from "../cells.ts";

export type Wire = "http" | "grpc";

const wires: Readonly<Record<CellName, Wire>> = {
  "node-http": "http",
  "node-grpc": "grpc",
  "workers-http": "http",
  "functions-http": "http",
};

/** What the cell speaks in which the suite runs now. */
export function wireOfCell(): Wire {
  return wires[inject("cell")];
}

/** Cases about what one wire alone has. Cells of the other one skip them, and say so. */
export function onlyOver(wire: Wire, cases: () => void): void {
  describe(`over ${wire}`, () => {
    beforeEach(({ skip }) => skip(wireOfCell() !== wire, `only ${wire} has this`));
    cases();
  });
}
