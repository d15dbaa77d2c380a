import { open } from "node:fs/promises";

/** The text of a file of at most so many bytes. Rejects with the path and what is wrong. */
export async function readText(path: string, maxBytes: number): Promise<string> {
  try {
    await using file = await open(path);
    const chunks: Buffer[] = [];
    // Counted, not asked for: a device has no size.
    for (let length = 0; ;) {
      const chunk = Buffer.alloc(chunkBytes);
      const { bytesRead } = await file.read(chunk);
      if (bytesRead === 0) return Buffer.concat(chunks).toString("utf8");
      length += bytesRead;
      if (length > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
      chunks.push(chunk.subarray(0, bytesRead));
    }
  } catch (reason) {
    throw new Error(`Cannot read ${path}: ${(reason as Error).message}`, { cause: reason });
  }
}
const chunkBytes = 8192;
