import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const made: string[] = [];

/** A path in a directory of its own, gone when the test file ends. */
export function temporaryFile(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), "outrigger-"));
  made.push(directory);
  return join(directory, name);
}
afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});
