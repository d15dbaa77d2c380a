import { afterAll, beforeAll, describe } from "vitest";
import type { Cluster, ClusterOptions } from "./api.ts";
import { isBuilt } from "./build.ts";
import { startCluster } from "./cluster.ts";
import { whyNot } from "./requirements.ts";

/** Images by a function, so that a machine without clusters does not make any. */
export type DescribeOptions = Omit<ClusterOptions, "images"> & {
  readonly images?: () => Promise<readonly string[]>;
};

/**
 * A describe block with a cluster that is up for as long as it runs; `cluster()` is for hooks and tests only.
 * Where the machine cannot have one, it is skipped with the reason in its title; with
 * OUTRIGGER_REQUIRE_CLUSTER=1 it fails instead. To be awaited.
 */
export async function describeCluster(
  title: string,
  options: DescribeOptions,
  body: (cluster: () => Cluster) => void,
): Promise<void> {
  await describeOn(title, options.mode, () => {
    let started: Cluster | undefined;
    beforeAll(async () => {
      const { images, ...rest } = options;
      started = await startCluster({ ...rest, images: await images?.() });
    }, 900_000);
    afterAll(async () => {
      await started?.[Symbol.asyncDispose]();
    }, 60_000);
    body(() => {
      if (started === undefined) throw new Error("The cluster is not up yet: ask for it in a test");
      return started;
    });
  });
}

/** The same for tests that start their clusters themselves. */
export async function describeOn(
  title: string,
  mode: ClusterOptions["mode"],
  body: () => void,
): Promise<void> {
  const reason = whyNot(mode, await isBuilt());
  // Where clusters are promised (.ci/run), a missing ability is a fault and not a reason to skip.
  if (reason !== undefined && process.env["OUTRIGGER_REQUIRE_CLUSTER"] === "1")
    throw new Error(`No cluster "${mode}" here: ${reason}; and OUTRIGGER_REQUIRE_CLUSTER is set`);
  const why = reason === undefined ? "" : ` (skipped: ${reason})`;
  describe.skipIf(reason !== undefined)(`${title}${why}`, () => {
    body();
  });
}
