import type { Socket } from "node:net";
import { serverNameIn } from "../client-hello.ts";
import { createKeptBytes } from "./kept-bytes.ts";
import { peek } from "./peek.ts";

const readMs = 5000;
const mostBytes = 64 * 1024;

/** Reads on until the TLS client has said whom it wants. `undefined`: it is no such client, or went away. */
export async function readServerName(
  socket: Socket,
): Promise<{ readonly name: string; readonly head: Buffer } | undefined> {
  const kept = createKeptBytes();
  const name = await peek<string | null>(socket, {
    take: (bytes) => {
      kept.push(bytes);
      const found = serverNameIn(kept.bytes);
      if (found === "more" && kept.bytes.length < mostBytes) return undefined;
      return typeof found === "string" ? null : found.name;
    },
    late: () => undefined,
    ms: readMs,
  });
  return typeof name === "string" ? { name, head: kept.bytes } : undefined;
}
