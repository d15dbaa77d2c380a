import { open as openFile } from "node:fs/promises";
import { messageOf } from "#core/errors/component-error.ts";
import { isRecord, jsonErrorText, jsonTypeOf, parseJson } from "#core/util/json.ts";

const maxBytes = 16 * 1024 * 1024;

/** The file as a JSON object. No text of the file gets into a reason: those are logged. */
export async function readSecrets(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(path);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (reason) {
    const why = reason instanceof RangeError ? "nested too deep" : jsonErrorText(text);
    throw new Error(`secretsFile ${path} is no JSON: ${why}`);
  }
  if (!isRecord(value) || jsonTypeOf(value) !== "object")
    throw new Error(`secretsFile ${path} must hold a JSON object, not ${jsonTypeOf(value)}`);
  return value;
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await openFile(path, "r");
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, maxBytes) + 1);
    let used = 0;
    while (used < buffer.length) {
      const { bytesRead } = await file.read(buffer, used, buffer.length - used, used);
      if (bytesRead === 0) break;
      used += bytesRead;
    }
    if (used > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    if (used === buffer.length) throw new Error("it grew while it was read");
    return new TextDecoder().decode(buffer.subarray(0, used));
  } catch (reason) {
    throw new Error(`Cannot read secretsFile ${path}: ${messageOf(reason)}`, { cause: reason });
  }
}
