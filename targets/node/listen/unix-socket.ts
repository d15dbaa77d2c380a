import { chmod, lstat, mkdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

/** Longest path that the kernel takes for a socket. */
const maxPathBytes = process.platform === "darwin" ? 103 : 107;
/** Connecting takes the right to write: the user's own processes, as with the default umask. */
const mode = 0o600;

/** Where Dapr puts an app's API sockets. */
export function socketPath(folder: string, appId: string, api: "http" | "grpc"): string {
  return join(folder, `dapr-${appId}-${api}.socket`);
}

/** Makes room for a socket: a socket that nobody listens on any more is removed. Rejects with what to do. */
export async function prepareSocket(
  folder: string,
  appId: string,
  api: "http" | "grpc",
): Promise<string> {
  const path = socketPath(folder, appId, api);
  if (Buffer.byteLength(path) > maxPathBytes)
    throw new Error(
      `The path of the socket ${path} is longer than ${maxPathBytes} bytes; choose a shorter folder with --unix-domain-socket`,
    );
  await mkdir(folder, { recursive: true });
  const found = await lstat(path).catch(() => undefined);
  if (!found) return path;
  if (!found.isSocket())
    throw new Error(`${path} is in the way: it is not a socket; move it, or choose another folder`);
  if (await listens(path))
    throw new Error(
      `Another process listens on ${path}; end it, or choose another folder with --unix-domain-socket`,
    );
  await rm(path, { force: true });
  return path;
}

/** Once it is listened on: nobody but the user may connect. */
export async function guardSocket(path: string): Promise<void> {
  await chmod(path, mode);
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
