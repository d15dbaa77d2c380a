import type { HttpInput } from "#core/wire/http/input.ts";
import { cleanPath, decodePath, splitTarget } from "#core/util/path.ts";
import { invokeError } from "./errors.ts";

/** Who is to be called, and what; the method is decoded and cleaned, without a leading slash. */
export interface InvokeTarget {
  /** App id (with or without namespace), name of an HTTPEndpoint, or an absolute URL. */
  readonly id: string;
  readonly method: string;
}

/**
 * Header `dapr-app-id`, then Basic credentials of the user `dapr-app-id`, then the path; the first that
 * is there decides. The path is read as it came: cleaning would turn `http://` into `http:/`.
 */
export function findTarget(input: HttpInput): InvokeTarget {
  const path = decodePath(splitTarget(input.target).path);
  const named = input.header("dapr-app-id") ?? fromCredentials(input.header("authorization"));
  if (named !== undefined && named !== "") return { id: named, method: cleanPath(path).slice(1) };
  const start = afterPrefix(path);
  const end = start === -1 ? -1 : path.indexOf("/method/", start);
  if (end <= start)
    throw invokeError(
      "NO_TARGET",
      "failed getting app id either from the URL path or the header dapr-app-id",
    );
  // Dapr: a target that was encoded twice (`http%253A…`) is decoded once more; "+" is a space.
  const id = decodePath(path.slice(start, end).replaceAll("+", " "));
  const method = cleanPath(path.slice(end + "/method/".length));
  return { id, method };
}

const prefix = ["v1.0", "invoke"];
/** Index of the first character after `/v1.0/invoke/`, doubled slashes allowed; -1 when the path is another. */
function afterPrefix(path: string): number {
  let at = 0;
  for (const part of prefix) {
    const start = skipSlashes(path, at);
    if (start === at || !path.startsWith(part, start)) return -1;
    at = start + part.length;
  }
  const start = skipSlashes(path, at);
  return start === at ? -1 : start;
}
function skipSlashes(path: string, from: number): number {
  let at = from;
  while (path.charCodeAt(at) === 47) at++;
  return at;
}

/** `http://dapr-app-id:<id>@host/…` arrives as Basic credentials. */
function fromCredentials(authorization: string | undefined): string | undefined {
  if (!authorization?.startsWith("Basic ")) return undefined;
  try {
    const parts = atob(authorization.slice(6)).split(":");
    return parts.length === 2 && parts[0]?.toLowerCase() === "dapr-app-id" ? parts[1] : undefined;
  } catch {
    return undefined;
  }
}
