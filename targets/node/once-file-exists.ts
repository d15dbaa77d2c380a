import { existsSync, type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs once when the file has come into being, also if its folder does not exist yet. Costs nothing until then. Where the
 * system cannot watch folders, it never runs.
 *
 * @returns a function that ends the wait.
 */
export function onceFileExists(file: string, run: () => void): () => void {
  let watcher: FSWatcher | undefined;
  let isOver = false;
  function end(): void {
    isOver = true;
    watcher?.close();
  }
  function look(): void {
    if (isOver) return;
    watcher?.close();
    const folder = existingAbove(file);
    if (folder === file) {
      end();
      return run();
    }
    try {
      watcher = watch(folder, { persistent: false }, look);
      watcher.on("error", end);
    } catch {
      return end();
    }
    // What was made before the folder was watched is told by nobody.
    if (existingAbove(file) !== folder) look();
  }
  look();
  return end;
}

function existingAbove(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingAbove(dirname(path));
}
