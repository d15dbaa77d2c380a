import { join } from "node:path";
import type { OutputStream } from "./app-process.ts";
import type { Cli } from "./cli.ts";
import { type LogFile, openLog, openLogFile } from "./cli-log.ts";
import type { AppPlan, LogDestination } from "./run-plan.ts";
import { onceForAll } from "./once-for-all.ts";
import { levels } from "#targets/node/log.ts";
import type { Log } from "#core/ports/platform.ts";

const colours = [36, 33, 35, 32, 34, 31];

/** Decides where the lines of the apps and of the runtime go. */
export interface RunConsole {
  /**
   * A line about an app (`app_id`) goes where that app's lines go. All other lines go everywhere.
   */
  readonly log: Log;
  /**
   * True for a run file, where each line names its app. As in Dapr's CLI, the lines of an app that
   * runs alone are unchanged.
   */
  readonly isShared: boolean;
  /** Returns the function that receives the lines of that app. */
  lineOf(plan: AppPlan): (line: string, from: OutputStream) => void;
  /** The folder of an app's log files; `undefined` if it has none. */
  folderOf(plan: AppPlan): string | undefined;
  close(): void;
}
/** The logs that show one app the runtime's lines. */
interface View {
  readonly shown: Log | undefined;
  readonly shownTrouble: Log | undefined;
  readonly file: Log | undefined;
}

export function openConsole(
  plans: readonly AppPlan[],
  options: { readonly json: boolean; readonly at: Date; readonly isShared: boolean },
  cli: Pick<Cli, "out" | "err" | "colour" | "terminal">,
): RunConsole {
  const files: LogFile[] = [];
  const folderOf = (plan: AppPlan): string => join(plan.dir, ".dapr", "logs");
  const fileOf = (plan: AppPlan, what: string): LogFile => {
    const file = openLogFile(
      join(folderOf(plan), `${plan.appId}_${what}_${stamp(options.at)}.log`),
    );
    files.push(file);
    return file;
  };
  const only = plans.length === 1 ? plans[0] : undefined;
  const destinationOf = ({ runtimeLog }: AppPlan): LogDestination =>
    runtimeLog ?? (only ? "console" : "file");
  const viewOf = (plan: AppPlan): View => {
    const { json } = options;
    const destination = destinationOf(plan);
    const console = openLog({
      level: plan.logLevel,
      json,
      terminal: cli.terminal ? cli : undefined,
      ...(only ? { onlyApp: only.appId } : {}),
      write: (line) => cli.out(`${line}\n`),
    });
    const file = destination === "console" ? undefined : fileOf(plan, "daprd");
    const isShown = destination !== "file";
    return {
      shown: isShown ? console : undefined,
      // A file that the user did not ask for must not hide problems.
      shownTrouble: isShown || plan.runtimeLog === undefined ? console : undefined,
      file: file && openLog({ level: plan.logLevel, json, write: (line) => file.write(line) }),
    };
  };
  const views = new Map(plans.map((plan) => [plan.appId, viewOf(plan)]));
  // Lines that are not about an app are shown at the most verbose level of all apps.
  const everybody = plans
    .toSorted((a, b) => levels.indexOf(a.logLevel) - levels.indexOf(b.logLevel))
    .map(({ appId }) => views.get(appId) as View);
  const isNews = onceForAll();
  const at =
    (level: "debug" | "info" | "warn" | "error", isTrouble: boolean) =>
    (message: string, fields?: object): void => {
      const appId = appIdOf(fields);
      const own = appId === undefined ? undefined : views.get(appId);
      const all = own ? [own] : everybody;
      for (const { file } of all) file?.[level](message, fields);
      const console = all
        .map(({ shown, shownTrouble }) => (isTrouble ? shownTrouble : shown))
        .find((found) => found !== undefined);
      if (console && (!isTrouble || isNews(appId, message))) console[level](message, fields);
    };
  return {
    log: {
      debug: at("debug", false),
      info: at("info", false),
      warn: at("warn", true),
      error: at("error", true),
    },
    isShared: options.isShared,
    lineOf: (plan) => {
      const title = `== APP - ${plan.appId} ==`;
      const colour = colours[plans.indexOf(plan) % colours.length];
      const prefix = cli.colour ? `\u001B[${colour}m${title}\u001B[0m` : title;
      const file = plan.appLog === "console" ? undefined : fileOf(plan, "app");
      return (line, from) => {
        file?.write(line);
        if (plan.appLog === "file") return;
        if (options.isShared) cli.out(`${prefix} ${line}\n`);
        else if (from === "stdout") cli.out(`${line}\n`);
        else cli.err(`${line}\n`);
      };
    },
    folderOf: (plan) =>
      plan.appLog === "console" && destinationOf(plan) === "console" ? undefined : folderOf(plan),
    close: () => {
      for (const file of files) file.close();
    },
  };
}

function appIdOf(fields: object | undefined): string | undefined {
  const appId = fields && "app_id" in fields ? fields.app_id : undefined;
  return typeof appId === "string" ? appId : undefined;
}

/** `20260131235959`, in local time, as in the names of the log files of Dapr's CLI. */
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
