import { mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

const temporary = /^\.outrigger-[0-9a-f-]{36}\.tmp$/;
/** True for the name of a file that is being written; it belongs to nobody yet. */
export function isTemporary(name: string): boolean {
  return temporary.test(name);
}

/** Writes all or nothing: a reader sees the old file or the new one, and once this resolves the new one is on disk. */
export async function writeFile(path: string, data: Uint8Array): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  const beside = join(directory, `.outrigger-${crypto.randomUUID()}.tmp`);
  try {
    const file = await open(beside, "wx");
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (reason) {
    await unlink(beside).catch(() => {});
    throw reason;
  }
  await syncDirectory(directory);
}

/** Makes names durable, not only contents. Windows has no such call and needs none. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
