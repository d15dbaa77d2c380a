import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { onceFileExists } from "#targets/node/once-file-exists.ts";
import { eventually } from "#test/support/eventually.ts";

function waitFor(path: string) {
  const file = join(mkdtempSync(join(tmpdir(), "outrigger-once-")), path);
  const seen = { times: 0 };
  const end = onceFileExists(file, () => void seen.times++);
  return { file, seen, end };
}

test.each(["a.db", "not/there/yet/a.db"])("tells once when %s is made", async (path) => {
  const { file, seen } = waitFor(path);
  expect(seen.times).toBe(0);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "");
  await eventually(() => seen.times === 1);
  writeFileSync(file, "again");
  writeFileSync(join(dirname(file), "other"), "");
  await new Promise((done) => setTimeout(done, 50));
  expect(seen.times).toBe(1);
});
test("tells at once of a file that is there", () => {
  const { file } = waitFor("x");
  writeFileSync(file, "");
  let times = 0;
  onceFileExists(file, () => void times++);
  expect(times).toBe(1);
});
test("tells nothing once it has been ended", async () => {
  const { file, seen, end } = waitFor("a/b");
  end();
  mkdirSync(dirname(file));
  writeFileSync(file, "");
  await new Promise((done) => setTimeout(done, 50));
  expect(seen.times).toBe(0);
});
