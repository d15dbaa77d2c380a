import { coordination as sqlite } from "#components/sqlite/manifest.ts";
import { runCommand } from "#targets/cli/commands.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { fakeCli } from "./fake-cli.ts";

export const callOptions = { signal: new AbortController().signal };

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of a user whose folders are empty unless `env` and `cwd` name others. */
export async function command(
  args: readonly string[],
  { env, cwd }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<CommandResult> {
  const folder = temporaryFile(".");
  const cli = fakeCli({
    env: { XDG_STATE_HOME: folder, HOME: folder, ...env },
    cwd: cwd ?? folder,
  });
  const code = await runCommand(args, cli.cli);
  return { code, out: cli.out(), err: cli.err() };
}

/** A database that runtimes of the default group share. */
export async function database(
  group = "default",
): Promise<AsyncDisposable & { readonly file: string; readonly flag: string } & Coordination> {
  const file = temporaryFile("coordination.db");
  const opened = await openComponent(sqlite, { connectionString: file, group });
  return { ...opened, file, flag: `sqlite:${file}` };
}
