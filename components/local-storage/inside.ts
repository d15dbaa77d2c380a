import { mkdir, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { ComponentError } from "#core/errors/component-error.ts";

/** System folders that no configuration may open to callers. */
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
];

/** The root folder as it really is, links resolved; makes it when it is not there. */
export async function resolveRoot(path: string): Promise<string> {
  if (path === "") throw new Error("property rootPath must not be empty");
  const wanted = resolve(path);
  await mkdir(wanted, { recursive: true });
  const root = await realpath(wanted);
  if (root === sep || refused.some((folder) => root === folder || root.startsWith(folder + sep)))
    throw new Error(`property rootPath points to a disallowed location: ${root}`);
  return root;
}

/** The place that `name` means below the root. Throws `rejected` where it would be outside, be it by dots or by links. */
export async function resolveInside(root: string, name: string): Promise<string> {
  if (name.includes("\0")) throw outside(name);
  // Taken as if the root were the root of all: "../x" and "/x" are both x in it.
  const path = join(root, resolve(sep, name));
  const real = await realExisting(path);
  if (real !== root && !real.startsWith(root + sep)) throw outside(name);
  return path;
}

/** `path` with the links of its existing part resolved. */
async function realExisting(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code !== "ENOENT" || path === dirname(path)) throw reason;
    return join(await realExisting(dirname(path)), basename(path));
  }
}

function outside(name: string): ComponentError {
  return new ComponentError("rejected", `path is outside of the root folder: ${name}`);
}
