import { type FSWatcher, statSync, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface WatchOptions<T> {
  /** Folders, or files. */
  readonly paths: readonly string[];
  /** How often to look where nothing was told, in milliseconds. */
  readonly everyMs: number;
  /** Something is different. What is read counts only if the files were the same before and after. Never rejects. */
  read(): Promise<T>;
  /** One at a time; never rejects. */
  changed(read: T): Promise<void>;
}
export interface FileWatch {
  /** Looks now, whether or not anything is different. */
  now(): Promise<void>;
  stop(): void;
}

/** An editor writes a file in several steps; a ConfigMap replaces a link. */
const settleMs = 100;
/** Files that never stand still are taken as they are. */
const mostTries = 20;
/** A folder that cannot be watched, or is not there, is looked at this often. */
const blindMs = 1000;

/** Watches files for changes of any kind: edits, renames over them, links that point elsewhere, folders that come and go. Keeps no process alive. */
export async function watchFiles<T>(options: WatchOptions<T>): Promise<FileWatch> {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly place: number }>();
  let seen = await signature(options.paths);
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let isStopped = false;

  function settle(): void {
    if (isStopped) return;
    // Not put off by more of them: where files change all the time, they are looked at all the same.
    timer ??= setTimeout(() => {
      timer = undefined;
      void look(false);
    }, settleMs).unref();
  }
  function look(always: boolean): Promise<void> {
    turn = turn.then(async () => {
      if (isStopped) return;
      watchAll();
      let now = await signature(options.paths);
      if (now === seen && !always) return;
      for (let tries = 0; tries < mostTries; tries++) {
        const read = await options.read();
        const after = await signature(options.paths);
        if (after === now || tries === mostTries - 1) {
          seen = after;
          return options.changed(read);
        }
        // Somebody was writing: what was read may be a half.
        now = after;
        await delay(settleMs, undefined, { ref: false });
      }
    });
    return turn;
  }
  /** Others may write all the time beside our files: databases, logs. */
  function isOurs(folder: string, name: string): boolean {
    if (options.paths.includes(join(folder, name))) return true;
    return options.paths.includes(folder) && (isDocument(name) || name.startsWith(".."));
  }
  function watchAll(): void {
    for (const path of options.paths)
      // A file is replaced by renaming another over it, which only its folder sees.
      for (const folder of new Set([path, dirname(path)])) {
        const place = statSync(folder, { throwIfNoEntry: false })?.ino;
        const known = watchers.get(folder);
        // A folder that was moved away takes its watch along.
        if (known && known.place === place) continue;
        known?.watcher.close();
        watchers.delete(folder);
        if (place === undefined) continue;
        try {
          const watcher = watch(folder, { persistent: false }, (_event, name) => {
            if (name === null || isOurs(folder, name)) settle();
          });
          watcher.on("error", () => {
            watcher.close();
            watchers.delete(folder);
          });
          watchers.set(folder, { watcher, place });
        } catch {
          // Looked at from time to time instead.
        }
      }
  }
  watchAll();
  const poll = setInterval(() => void look(false), options.everyMs).unref();
  const blind = setInterval(() => {
    const isBlind = options.paths.some((path) => !watchers.has(path));
    if (isBlind) void look(false);
  }, blindMs).unref();
  return {
    now: () => look(true),
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
      clearInterval(poll);
      clearInterval(blind);
      for (const { watcher } of watchers.values()) watcher.close();
    },
  };
}

function isDocument(name: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(name);
}

/** Names, sizes, times and places of all files, as one text; what a link points to counts. */
async function signature(paths: readonly string[]): Promise<string> {
  const parts: string[] = [];
  for (const path of paths) {
    const names = await readdir(path).catch(() => undefined);
    const files = names
      ? names
          .filter(isDocument)
          .sort()
          .map((name) => join(path, name))
      : [path];
    for (const file of files) {
      const info = await stat(file).catch(() => undefined);
      parts.push(info ? `${file} ${info.ino} ${info.size} ${info.mtimeMs}` : `${file} gone`);
    }
  }
  return parts.join("\n");
}
