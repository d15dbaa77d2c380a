import { afterAll, beforeAll, beforeEach, describe, inject } from "vitest";
import type { SeenRequest } from "./recording-app.ts";

/** One place where the API runs, with an app behind it (`recordingApp`), a state store "statestore" and a pub/sub "pubsub". */
export interface Cell extends AsyncDisposable {
  /** As a caller of the API does it; `path` starts with "/". */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** What the app got so far on that path. */
  appSaw(path: string): Promise<readonly SeenRequest[]>;
}
export type CellName = "node-http" | "workers-http" | "functions-http";

declare module "vitest" {
  interface ProvidedContext {
    cell: CellName;
    /** Names of cases that this cell does not pass yet. */
    knownGaps: readonly string[];
  }
}

/** The same cases in every cell. A known gap must fail: once it passes, its line is to be removed. */
export function describeCell(block: string, cases: (cell: () => Cell) => void): void {
  const name = inject("cell");
  const gaps = inject("knownGaps");
  describe(`${block} [${name}]`, () => {
    let opened: Cell | undefined;
    beforeAll(async () => {
      opened = await openCell(name);
    }, 30_000);
    afterAll(async () => opened?.[Symbol.asyncDispose]());
    beforeEach(({ task }) => {
      (task as { fails?: boolean }).fails = gaps.includes(task.name);
    });
    cases(() => {
      if (!opened) throw new Error("The cell is not open");
      return opened;
    });
  });
}

async function openCell(name: CellName): Promise<Cell> {
  switch (name) {
    case "node-http":
      return (await import("./cell-node.ts")).openCell();
    case "workers-http":
      return (await import("./cell-workers.ts")).openCell();
    case "functions-http":
      return (await import("./cell-functions.ts")).openCell();
  }
}
