import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { transformSync } from "esbuild";
import { defineConfig } from "vitest/config";
import type { CellName } from "./test/support/cells.ts";
import { cryptoResources } from "./test/support/crypto-resources.ts";
import { knownGaps } from "./test/support/known-gaps.ts";
import {
  suiteConfiguration,
  suiteResources,
  suiteSettings,
} from "./test/support/suite-resources.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
/** Where the API suite runs, and which of its cases do not pass there yet. */
const cell = (
  name: CellName,
): { readonly cell: CellName; readonly knownGaps: readonly string[] } => ({
  cell: name,
  knownGaps: [...knownGaps(`${name}.txt`).keys()],
});
/** The Worker of wrangler.toml inside workerd, and the recording app as the Worker behind it. */
const workerd = () => {
  const app = transformSync(read("test/support/recording-app.ts"), { loader: "ts" }).code;
  return {
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: {
      cf: false,
      bindings: {
        OUTRIGGER_ALLOW_ANONYMOUS: "true",
        OUTRIGGER_CONFIG: suiteConfiguration,
        OUTRIGGER_RESOURCES_2: cryptoResources,
        OUTRIGGER_RESOURCES_3: suiteResources("http://orders-app.test"),
        ...suiteSettings,
      },
      // Whatever address the Worker calls, the app answers.
      outboundService: "orders-app",
      workers: [
        {
          name: "orders-app",
          modules: true,
          compatibilityDate: "2026-07-30",
          script: `${app}\nexport default { fetch: recordingApp() };`,
        },
      ],
    },
  };
};

/**
 * What takes minutes runs when it is asked for by name (`npm run test:hostile`, `npm run test:cluster`), and where all
 * tests are (`.ci/run`). Clusters need Go and root as well, and would slow down what others measure or wait for, so they
 * come last.
 */
const isGate = process.env["OUTRIGGER_TESTS"] === "all";
const isWanted = (name: string): boolean => isGate || process.argv.includes(name);
const hostile = {
  test: {
    name: "hostile",
    include: ["test/hostile/**/*.test.ts"],
    sequence: { groupOrder: 2 },
    fileParallelism: false,
    testTimeout: 30_000,
  },
};
const nodes = {
  test: {
    name: "k8s-node",
    include: ["test/targets/kubernetes/**/*.test.ts"],
    sequence: { groupOrder: 3 },
    testTimeout: 30_000,
  },
};
const clusters = {
  test: {
    name: "cluster",
    include: ["test/cluster/**/*.test.ts"],
    sequence: { groupOrder: 4 },
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
  },
};

/** What is quick to run and to mend comes first; then what others do not disturb, and what would be last. */
const afterUnit = { sequence: { groupOrder: 1 }, hookTimeout: 30_000 } as const;
const alone = { sequence: { groupOrder: 2 }, fileParallelism: false, hookTimeout: 30_000 } as const;
/** Nothing of these waits for a machine of its own but the gate, which has time, and must not fail for want of it. */
const besideOthers = isGate ? alone : afterUnit;

/** One project for each place that tests run in. */
export default defineConfig({
  test: {
    // Vitest leaves a core to itself; most tests wait, and small machines have two.
    maxWorkers: Math.max(isGate ? 2 : 3, availableParallelism() - 1),
    silent: "passed-only",
    reporters: ["default", "./test/support/reporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/core/**/*.test.ts"],
          testTimeout: 30_000,
          // They keep nothing outside of themselves; a worker for each file would take longer than many of them.
          isolate: false,
        },
      },
      {
        test: {
          name: "fuzz",
          ...afterUnit,
          include: ["test/fuzz/**/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "k8s",
          ...afterUnit,
          isolate: false,
          include: ["test/{k8s,targets/ca}/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      ...[hostile, nodes, clusters].filter(({ test }) => isWanted(test.name)),
      { test: { name: "boundaries", ...afterUnit, include: ["test/boundaries/**/*.test.ts"] } },
      {
        test: {
          name: "components",
          ...besideOthers,
          include: ["test/components/**/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "node",
          ...afterUnit,
          include: [
            "test/targets/{node,cli,workers,_shared}/**/*.test.ts",
            "test/conformance/**/*.test.ts",
            "test/api/**/*.test.ts",
          ],
          provide: cell("node-http"),
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "node-grpc",
          ...afterUnit,
          include: ["test/api/**/*.test.ts"],
          provide: cell("node-grpc"),
          testTimeout: 30_000,
        },
      },
      {
        plugins: [cloudflareTest(workerd)],
        test: {
          name: "workerd",
          ...alone,
          include: ["test/workerd/**/*.test.ts", "test/api/**/*.test.ts"],
          provide: cell("workers-http"),
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "functions",
          ...afterUnit,
          include: ["test/targets/azure-functions/**/*.test.ts", "test/api/**/*.test.ts"],
          provide: cell("functions-http"),
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          ...besideOthers,
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
        },
      },
    ],
  },
});
