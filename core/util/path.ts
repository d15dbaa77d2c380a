/**
 * The one path normaliser: routing, access control and dispatch all use it, so that what is allowed is
 * what is called. Dapr had two that disagreed (its 1.16.14 and 1.17.5 notes).
 */

/** `path` resolved as Go's `path.Clean` does: no empty, `.` or `..` segment, no slash at the end. */
export function cleanPath(path: string): string {
  if (isClean(path)) return path;
  const rooted = path.startsWith("/");
  const out: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") out.push(segment);
    else if (out.length > 0 && out.at(-1) !== "..") out.pop();
    else if (!rooted) out.push("..");
  }
  return (rooted ? "/" : "") + out.join("/");
}

function isClean(path: string): boolean {
  const last = path.length - 1;
  for (let i = 0; i <= last; i++) {
    if (path.charCodeAt(i) !== 47) {
      if (i === 0 && path.charCodeAt(0) === 46) return false;
      continue;
    }
    if (i === last) return last === 0;
    const next = path.charCodeAt(i + 1);
    if (next === 47 || next === 46) return false;
  }
  return true;
}

/** The method of an invocation, cleaned; `undefined` for one that must be refused. */
export function cleanMethod(method: string): string | undefined {
  for (let i = 0; i < method.length; i++) {
    const code = method.charCodeAt(i);
    if (code < 0x20 || code === 0x7f || code === 0x23 || code === 0x3f) return undefined;
  }
  let clean = cleanPath(method);
  while (clean.startsWith("../")) clean = clean.slice(3);
  if (clean === ".." || clean === ".") return "";
  return clean.startsWith("/") ? clean.slice(1) : clean;
}

/** Splits a request-target into its path and its query (without "?"). */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf("?");
  if (mark === -1) return { path: target, query: "" };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

const badEscape = /%(?![0-9A-Fa-f]{2})/;
/** A "%" that starts no escape: Go's server refuses the request. */
export function hasBadEscape(path: string): boolean {
  return path.includes("%") && badEscape.test(path);
}

/** Percent-decoding that keeps what is not UTF-8 as it stands. */
export function decodePath(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
      try {
        return decodeURIComponent(run);
      } catch {
        return run.replace(/%[0-7][0-9A-Fa-f]/g, decodeURIComponent);
      }
    });
  }
}

/**
 * A query as text in the spelling of a request-target; `undefined` for one with control characters, which none can hold.
 * What is encoded already stays as it is.
 */
export function encodeQuery(query: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  if (/[\u0000-\u001f\u007f]/.test(query)) return undefined;
  return query.replace(/[^!-~]+|#/g, (part) => encodeURIComponent(part.toWellFormed()));
}

/** Encodes a decoded path again, slashes kept. */
export function encodePath(path: string): string {
  return /^[A-Za-z0-9/._~!$&'()*+,;=:@-]*$/.test(path)
    ? path
    : encodeURI(path.toWellFormed()).replace(
        /[?#[\]]/g,
        (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
      );
}

/** A text as one segment of a path, as Go's `url.PathEscape` spells it. */
export function escapePathSegment(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/%(?:24|26|2B|3A|3D|40)/g, decodeURIComponent)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
