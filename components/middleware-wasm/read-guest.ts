import { open as openFile } from "node:fs/promises";
import type { Host } from "#core/ports/manifest.ts";
import { boundedBytes, TooLargeError } from "#core/util/bounded-read.ts";
import { within } from "#core/util/time-limit.ts";

const mostBytes = 64 * 1024 * 1024;
const timeoutMs = 30_000;

/** The bytes of a guest; throws with what is wrong about its address. */
export async function readGuest(
  url: string,
  { clock, fetch }: Host,
): Promise<Uint8Array<ArrayBuffer>> {
  const colon = url.indexOf(":");
  if (colon === -1) throw new Error(`invalid URL: ${url}`);
  const scheme = url.slice(0, colon);
  if (scheme === "file") return readLocal(url.slice("file://".length));
  if (scheme !== "http" && scheme !== "https")
    throw new Error(`unsupported URL scheme: ${scheme}; use file, http or https`);
  return within(clock, timeoutMs, {}, async ({ signal }) => {
    const response = await fetch(url, { signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`received ${response.status} status code from ${JSON.stringify(url)}`);
    }
    return (await boundedBytes(response as never, mostBytes)) as Uint8Array<ArrayBuffer>;
  });
}

async function readLocal(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    if (size > mostBytes) throw new TooLargeError();
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}
