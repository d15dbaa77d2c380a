import { mkdir, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";

/** Folders of the system, and where Kubernetes puts secrets: no configuration may open them to callers. */
const refused = [
  "/proc",
  "/sys",
  "/boot",
  "/dev",
  "/etc",
  "/bin",
  "/sbin",
  "/lib",
  "/usr",
  "/var/run/secrets",
  "/run/secrets",
];

/** The directory of all files, made when it is not there; its path without symbolic links. */
export async function openRoot(rootPath: string): Promise<string> {
  if (rootPath === "") throw new Error("property rootPath must not be empty");
  const asked = resolve(rootPath);
  // Checked before anything is made there, and again with what links lead to.
  const existing = await deepest(asked);
  const real = join(await realpath(existing), asked.slice(existing.length));
  for (const path of [asked, real])
    if (dirname(path) === path || refused.some((place) => isBelow(path, place)))
      throw new Error(
        `property rootPath points to a disallowed location (${path}); use a dedicated directory`,
      );
  try {
    await mkdir(asked, { recursive: true });
  } catch (reason) {
    if (isCode(reason, "EEXIST") || isCode(reason, "ENOTDIR"))
      throw new Error("property rootPath represents a file and not a directory", { cause: reason });
    throw new Error(
      `unable to create directory specified by 'rootPath' ${asked}: ${messageOf(reason)}`,
      { cause: reason },
    );
  }
  return realpath(asked);
}

/** Where a file of that name is or would be. Dapr: dots lead no further up than the root. Refuses what a link leads to outside it. */
export async function fileBelow(root: string, name: string): Promise<string> {
  if (name.includes("\0")) throw refusal(name);
  const path = join(root, join(sep, name));
  const existing = await deepest(path);
  const real = await realpath(existing);
  if (!isBelow(real, root)) throw refusal(name);
  return join(real, path.slice(existing.length));
}

function refusal(name: string): ComponentError {
  return new ComponentError(
    "rejected",
    `error getting absolute path for file ${name}: it is outside rootPath`,
  );
}

export function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The longest part of the path that is there. */
async function deepest(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await stat(at);
      return at;
    } catch (reason) {
      if (!isCode(reason, "ENOENT") && !isCode(reason, "ENOTDIR")) throw reason;
      if (at === dirname(at)) throw reason;
    }
  }
}

export function isCode(reason: unknown, code: string): boolean {
  return reason instanceof Error && "code" in reason && reason.code === code;
}
