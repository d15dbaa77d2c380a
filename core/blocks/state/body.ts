import type { HttpInput } from "#core/wire/http/input.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { jsonErrorText, parseJson } from "#core/util/json.ts";
import { stateError } from "./errors.ts";

/** The body, or the documented refusal. */
export async function readText(input: HttpInput): Promise<string> {
  try {
    return await input.text();
  } catch (reason) {
    throw stateError("ERR_MALFORMED_REQUEST", messageOf(reason), { cause: reason });
  }
}

/** The body as JSON, or the documented refusal. */
export async function readBody(input: HttpInput): Promise<unknown> {
  const text = await readText(input);
  try {
    return parseJson(text);
  } catch (reason) {
    throw stateError("ERR_MALFORMED_REQUEST", jsonErrorText(text), { cause: reason });
  }
}

/** JSON text as a value that writes the same again; anything else as a string. */
export function jsonShape(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
