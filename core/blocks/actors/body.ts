import { messageOf } from "#core/errors/component-error.ts";
import { jsonErrorText, parseJson } from "#core/util/json.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { actorError } from "./errors.ts";

export interface JsonBody {
  readonly value: unknown;
  readonly text: string;
}

/** The body as JSON. Throws the documented refusal of one that is not, or is too large. */
export async function readJsonBody(input: HttpInput): Promise<JsonBody> {
  let text = "";
  try {
    text = await input.text();
    return { value: parseJson(text), text };
  } catch (reason) {
    const why = reason instanceof SyntaxError ? jsonErrorText(text) : messageOf(reason);
    throw malformed(why === "unexpected end of JSON input" && text === "" ? "EOF" : why, reason);
  }
}

export function malformed(why: string, cause?: unknown): Error {
  return actorError("ERR_MALFORMED_REQUEST", `failed deserializing HTTP body: ${why}`, { cause });
}
