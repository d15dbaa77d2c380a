import { isDeepStrictEqual } from "node:util";

/** What an API server does with a JSON Patch, as far as RFC 6902 goes: `add`, `remove`, `replace`, `test`. */
export function applyPatch<T>(document: T, operations: readonly PatchStep[]): T {
  const root = { value: structuredClone(document) as unknown };
  for (const { op, path, value } of operations) {
    const tokens = path.split("/").slice(1).map(unescape);
    if (path !== "" && !path.startsWith("/")) throw new Error(`${path} is not a JSON pointer`);
    if (tokens.length === 0) throw new Error("The whole document is not patched");
    const last = tokens.pop() as string;
    const parent = tokens.reduce((at, token) => member(at, token), root.value);
    change(parent, last, op, structuredClone(value), path);
  }
  return root.value as T;
}

export interface PatchStep {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

function change(parent: unknown, token: string, op: string, value: unknown, path: string): void {
  if (op === "test") {
    if (!isDeepStrictEqual(member(parent, token), value)) throw new Error(`${path} differs`);
    return;
  }
  if (op !== "add") member(parent, token);
  if (Array.isArray(parent)) {
    const index = token === "-" ? parent.length : Number(token);
    if (!/^(?:-|0|[1-9]\d*)$/.test(token) || index > parent.length)
      throw new Error(`${path} is no place in an array of ${parent.length}`);
    if (op === "add") parent.splice(index, 0, value);
    else if (op === "replace") parent[index] = value;
    else if (op === "remove") parent.splice(index, 1);
    else throw new Error(`No operation ${op}`);
    return;
  }
  if (typeof parent !== "object" || parent === null) throw new Error(`${path} has no parent`);
  const object = parent as Record<string, unknown>;
  if (op === "remove") delete object[token];
  else if (op === "add" || op === "replace") object[token] = value;
  else throw new Error(`No operation ${op}`);
}

function member(parent: unknown, token: string): unknown {
  if (typeof parent !== "object" || parent === null || !Object.hasOwn(parent, token))
    throw new Error(`There is no member ${token}`);
  return (parent as Record<string, unknown>)[token];
}
function unescape(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
