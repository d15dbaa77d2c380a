import { accessSync, constants, existsSync, lstatSync, readlinkSync } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { homedir, networkInterfaces, tmpdir, userInfo } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import type { EmbeddedCoordination } from "#core/hosting/coordination.ts";
import { onceFileExists } from "./once-file-exists.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The database of this user on this machine. */
export function embeddedCoordination(env: Env): EmbeddedCoordination {
  const file = embeddedFile(env);
  return {
    type: "coordination.sqlite",
    metadata: { connectionstring: file },
    groupOf: (group) => embeddedGroup(group),
    exists: () =>
      access(file).then(
        () => true,
        () => false,
      ),
    onceThere: (run) => onceFileExists(file, run),
    prepare: async () => {
      const folder = dirname(file);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // In a folder that all users write to, somebody else may have been faster.
      const { uid } = userInfo();
      if (uid >= 0 && folder.startsWith(tmpdir()) && lstatSync(folder).uid !== uid)
        throw new Error(`${folder} belongs to another user`);
    },
  };
}

/**
 * One file for all runtimes of a user, so that those started one by one find each other. Where the user has no folder
 * that can be written to, it is among the temporary files, and does not outlive these.
 */
export function embeddedFile(env: Env, home: string = homedir()): string {
  const state = env["XDG_STATE_HOME"] ?? "";
  const folders = [isAbsolute(state) ? state : "", join(home, ".local/state")];
  const found = folders.find((folder) => folder !== "" && isWritable(folder));
  const folder = found ? join(found, "outrigger") : join(tmpdir(), `outrigger-${userInfo().uid}`);
  return join(folder, "coordination.db");
}

/** It is, or could be made. */
function isWritable(folder: string): boolean {
  let present = folder;
  while (!existsSync(present) && dirname(present) !== present) present = dirname(present);
  try {
    accessSync(present, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Numbers of network namespaces up to here are those that the kernel gives out while it starts. */
const lastOfStart = 4_026_532_031;

/**
 * The name of a group within that file. An address of loopback means another service in each network namespace, so
 * containers that share a home do not share such a group.
 */
export function embeddedGroup(
  group: string,
  namespace: number | undefined = networkNamespace(),
  interfaces: typeof networkInterfaces = networkInterfaces,
): string {
  const isOwn = namespace !== undefined && namespace > lastOfStart;
  return isOwn && isLoopback(group)
    ? `${group} in network ${networkId(interfaces, namespace)}`
    : group;
}

/** The hardware addresses, which a container keeps when it starts again; the number of the namespace is soon another's. */
function networkId(interfaces: typeof networkInterfaces, namespace: number): string {
  const all = Object.values(interfaces()).flatMap((each = []) => each);
  const macs = new Set(all.filter(({ internal }) => !internal).map(({ mac }) => mac));
  return macs.size > 0 ? [...macs].sort().join(" ") : String(namespace);
}

function isLoopback(group: string): boolean {
  return (
    group === "default" || /(?:^|,)(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::|,|$)/.test(group)
  );
}

/** Linux alone says. */
function networkNamespace(): number | undefined {
  try {
    return Number(/\d+/.exec(readlinkSync("/proc/self/ns/net"))?.[0]);
  } catch {
    return undefined;
  }
}
