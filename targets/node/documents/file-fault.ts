import { messageOf } from "#core/errors/component-error.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  EACCES: "this user cannot read it",
  EPERM: "this user cannot read it",
  EISDIR: "it is a folder, not a file",
};

/** Why a file that a user named cannot be read, in words; `what` says what it was to be. */
export function fileFault(what: string, path: string, reason: unknown): Error {
  const code = reason instanceof Error && "code" in reason ? String(reason.code) : "";
  return new Error(`Cannot read ${what} "${path}": ${reasons[code] ?? messageOf(reason)}`, {
    cause: reason,
  });
}
