import { manifests } from "#components/_registry/node.gen.ts";
import { openCoordination } from "#core/hosting/coordination.ts";
import { createInstances } from "#core/hosting/instances.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { Clock } from "#core/ports/platform.ts";
import { environmentOf } from "#core/resources/values.ts";
import { printable } from "#k8s/inspect/table.ts";
import { nodePlatform } from "#targets/node/platform.ts";
import type { Cli } from "./cli.ts";
import { openLog } from "./cli-log.ts";
import { findCoordination } from "./find-coordination.ts";
import type { Flags } from "./flags.ts";
import { untilInterrupted } from "./with-flags.ts";

const callMs = 30_000;

/** What a command works on. */
export interface CoordinationCall {
  readonly flags: Flags;
  readonly cli: Cli;
  readonly clock: Clock;
  /** For people: which database it is. */
  readonly title: string;
  /** What to do if another database was meant. */
  readonly hint: string | undefined;
  /** `undefined` where none has come into being yet. */
  readonly coordination: Coordination | undefined;
  /** For one call of it: ends with the command, and after 30 s. */
  options(): CallOptions;
}

/** Opens what runtimes coordinate in, without a runtime, for as long as the command runs. */
export function withCoordination(
  flags: Flags,
  cli: Cli,
  appId: string | undefined,
  run: (call: CoordinationCall) => Promise<number>,
): Promise<number> {
  const log = openLog({
    level: "warning",
    json: false,
    ...(cli.terminal ? { terminal: cli } : {}),
    write: (line) => cli.err(`${line}\n`),
  });
  const platform = nodePlatform(log, cli.env);
  const { clock } = platform;
  const registry = createRegistry(manifests, "node");
  const instances = createInstances({ ...platform, env: environmentOf(platform) }, clock);
  return untilInterrupted(cli, async (signal) => {
    const deps = { registry, instances, platform, denied: new Set<string>() };
    const { driver, group, title, hint, missing } = await findCoordination(flags, cli, appId, deps);
    const options = (): CallOptions => ({
      signal: AbortSignal.any([signal, AbortSignal.timeout(callMs)]),
    });
    const call = { flags, cli, clock, title, hint, options };
    if (missing !== undefined) {
      cli.err(`No actors or jobs have been used here yet: ${printable(missing)} does not exist\n`);
      if (hint !== undefined) cli.err(`${hint}\n`);
      return run({ ...call, coordination: undefined });
    }
    const opened = await openCoordination(driver, group, { registry, instances });
    try {
      return await run({ ...call, coordination: opened.port });
    } finally {
      await opened.release();
    }
  });
}

/** Prints what was not found, and where. */
export function reportNothing({ cli, title, hint }: CoordinationCall, what: string): void {
  cli.err(`${printable(what)}, according to ${printable(title)}\n`);
  if (hint !== undefined) cli.err(`${hint}\n`);
}
