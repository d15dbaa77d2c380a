import { afterAll, beforeAll, beforeEach, describe, inject, type RunnerTestSuite } from "vitest";
import type { WireClient } from "./grpc-client.ts";
import { type ApiClient, apiOverHttp } from "./api/client.ts";
import { type Fetch, httpWire } from "./api/http-wire.ts";
import type { SeenRequest } from "./recording-app.ts";

/** One place where the API runs, with an app behind it (`recordingApp`) and the resources of the suite. */
export interface Cell extends AsyncDisposable {
  /** The API as the app calls it. */
  readonly api: ApiClient;
  /** The same with these headers on every call; over gRPC they are metadata. */
  apiWith(headers: Readonly<Record<string, string>>): ApiClient;
  /** A request as it is, for what only HTTP has; `path` starts with "/". */
  readonly fetch: Fetch;
  /** A client of the wire, for what only gRPC has. */
  grpc(): WireClient;
  /** Asks the app itself, past the API. */
  askApp(path: string): Promise<Response>;
  /** What the app got so far on that path. */
  appSaw(path: string): Promise<readonly SeenRequest[]>;
  /** Makes the platform fire the binding "alarm", where nothing does so by itself. */
  fireAlarm(): Promise<void>;
  /** Writes an item of the configuration store "settings", as its owner does. */
  setConfiguration(key: string, value: string): Promise<void>;
  /** Why no case can run: what the file needs is not on this machine. */
  readonly lacks?: string;
}
export type CellName = "node-http" | "node-grpc" | "workers-http" | "functions-http";

/** What a file of cases needs beyond what all of them have. */
export interface CellOptions {
  /** Settings of the runtime, by their names in its environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** With the stores that Redis keeps: "settings" and "locks". */
  readonly redis?: boolean;
}

declare module "vitest" {
  interface ProvidedContext {
    cell: CellName;
    /** Names of cases that this cell does not pass yet. */
    knownGaps: readonly string[];
  }
}

/** The same cases in every cell. A known gap must fail: once it passes, its line is to be removed. */
export function describeCell(
  block: string,
  cases: (cell: () => Cell) => void,
  options: CellOptions = {},
): void {
  const name = inject("cell");
  const gaps = inject("knownGaps");
  describe(`${block} [${name}]`, () => {
    let opened: Cell | undefined;
    // oxlint-disable-next-line no-empty-pattern -- Vitest accepts nothing but a destructured context
    beforeAll(async ({}, suite) => {
      const titles = titlesIn(suite);
      const strays = gaps.filter((gap) => gap.startsWith(`${block}.`) && !titles.has(gap));
      if (strays.length > 0)
        throw new Error(`test/known-gaps/${name}.txt has no case for: ${strays.join("; ")}`);
      opened = await openCell(name, options);
    }, 30_000);
    afterAll(async () => opened?.[Symbol.asyncDispose]());
    beforeEach(({ task, skip }) => {
      skip(opened?.lacks !== undefined, opened?.lacks);
      (task as { fails?: boolean }).fails = gaps.includes(task.name);
    });
    cases(() => {
      if (!opened) throw new Error("The cell is not open");
      return opened;
    });
  });
}

function titlesIn({ tasks }: Readonly<RunnerTestSuite>): ReadonlySet<string> {
  const titles = tasks.flatMap((task) =>
    task.type === "suite" ? [...titlesIn(task)] : [task.name],
  );
  return new Set(titles);
}

async function openCell(name: CellName, options: CellOptions): Promise<Cell> {
  switch (name) {
    case "node-http":
      return (await import("./cell-node.ts")).openCell("http", options);
    case "node-grpc":
      return (await import("./cell-node.ts")).openCell("grpc", options);
    case "workers-http":
      return (await import("./cell-workers.ts")).openCell(options);
    case "functions-http":
      return (await import("./cell-functions.ts")).openCell(options);
  }
}

/** What a place that speaks HTTP adds to a cell. */
export function cellOverHttp(fetch: Fetch, appSaw: Cell["appSaw"]) {
  const apiWith = (headers: Readonly<Record<string, string>>): ApiClient =>
    apiOverHttp(httpWire(fetch, headers), appSaw);
  return {
    fetch,
    appSaw,
    api: apiWith({}),
    apiWith,
    grpc: (): WireClient => {
      throw new Error("This cell speaks HTTP");
    },
  };
}
