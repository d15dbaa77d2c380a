import { createReadStream } from "node:fs";
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
    throw new Error(`secretsFile ${path} is not valid JSON: ${why}`);
  }
  if (!isRecord(value) || jsonTypeOf(value) !== "object")
    throw new Error(`secretsFile ${path} must hold a JSON object, not ${jsonTypeOf(value)}`);
  return value;
}

async function readText(path: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  try {
    for await (const chunk of createReadStream(path, {
      end: maxBytes,
    }) as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (reason) {
    throw new Error(`Cannot read secretsFile ${path}: ${messageOf(reason)}`, { cause: reason });
  }
  return text + decoder.decode();
}
