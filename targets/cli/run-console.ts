import { join } from "node:path";
import type { Cli } from "./cli.ts";
import { type LogFile, openLog, openLogFile } from "./cli-log.ts";
import type { AppPlan } from "./run-plan.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Level } from "../node/log.ts";

const colours = [36, 33, 35, 32, 34, 31];

/** Where the lines of the apps and of the runtime go. */
export interface RunConsole {
  readonly log: Log;
  /** What a line of that app is given to. */
  lineOf(plan: AppPlan): (line: string) => void;
  close(): void;
}

export function openConsole(
  plans: readonly AppPlan[],
  options: { readonly level: Level; readonly json: boolean; readonly at: Date },
  cli: Pick<Cli, "out" | "colour">,
): RunConsole {
  const files: LogFile[] = [];
  const fileOf = (plan: AppPlan, what: string): LogFile => {
    const name = `${plan.appId}_${what}_${stamp(options.at)}.log`;
    const file = openLogFile(join(plan.dir, ".dapr", "logs", name));
    files.push(file);
    return file;
  };
  const single = plans.length === 1;
  const runtimeFiles = plans.flatMap((plan) =>
    (plan.runtimeLog ?? (single ? "console" : "file")) === "console" ? [] : [fileOf(plan, "daprd")],
  );
  const shown = plans.some(
    ({ runtimeLog }) => (runtimeLog ?? (single ? "console" : "file")) !== "file",
  );
  // A file that nobody asked for must not hide what is wrong.
  const troubleShown = shown || plans.some(({ runtimeLog }) => runtimeLog === undefined);
  const toFiles = (line: string): void => {
    for (const file of runtimeFiles) file.write(line);
  };
  const toConsole = (line: string): void => cli.out(`${line}\n`);
  const logShownIf = (visible: boolean): Log =>
    openLog({
      ...options,
      write: (line) => {
        toFiles(line);
        if (visible) toConsole(line);
      },
    });
  const usual = logShownIf(shown);
  const trouble = logShownIf(troubleShown);
  return {
    log: {
      debug: (message, fields) => usual.debug(message, fields),
      info: (message, fields) => usual.info(message, fields),
      warn: (message, fields) => trouble.warn(message, fields),
      error: (message, fields) => trouble.error(message, fields),
    },
    lineOf: (plan) => {
      const title = `== APP - ${plan.appId} ==`;
      const colour = colours[plans.indexOf(plan) % colours.length];
      const prefix = cli.colour ? `\u001B[${colour}m${title}\u001B[0m` : title;
      const file = plan.appLog === "console" ? undefined : fileOf(plan, "app");
      return (line) => {
        file?.write(line);
        if (plan.appLog !== "file") cli.out(`${prefix} ${line}\n`);
      };
    },
    close: () => {
      for (const file of files) file.close();
    },
  };
}

/** `20260131235959`, in local time, as Dapr's CLI names its log files. */
function stamp(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return [
    at.getFullYear(),
    two(at.getMonth() + 1),
    two(at.getDate()),
    two(at.getHours()),
    two(at.getMinutes()),
    two(at.getSeconds()),
  ].join("");
}
