import { optionsOf } from "#components/_shared/options.ts";
import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { middleware } from "./manifest.ts";

export function open(spec: ComponentSpec): HttpMiddleware {
  const direction = optionsOf(spec, middleware.options).text("direction")?.toLowerCase();
  const response = direction === "response" || direction === "both";
  // Dapr: any other word means request.
  const request = direction !== "response";
  return {
    handle: async (given, next) => {
      const answer = await next(request ? inUpperCase(given) : given);
      return response ? inUpperCase(answer) : answer;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function inUpperCase<M extends PlainRequest | PlainResponse>(message: M): M {
  const { body } = message;
  if (body === undefined) return message;
  if (typeof body === "string") return { ...message, body: upperCase(body) };
  if (body instanceof Uint8Array)
    return { ...message, body: upperCase(new TextDecoder().decode(body)) };
  return {
    ...message,
    body: body
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .pipeThrough(
        new TransformStream<string, string>({
          transform: (chunk, controller) => controller.enqueue(upperCase(chunk)),
        }),
      )
      .pipeThrough(new TextEncoderStream()),
  };
}

/** Character by character, as Go does: a letter whose capital is two letters stays. */
function upperCase(text: string): string {
  let out = "";
  for (const char of text) {
    const capital = char.toUpperCase();
    out += [...capital].length === 1 ? capital : char;
  }
  return out;
}
