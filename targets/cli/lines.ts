import { StringDecoder } from "node:string_decoder";

/** Longer lines are cut, so that a program that never ends a line cannot fill the memory. */
const maxLine = 64 * 1024;

export interface LineSplitter {
  push(chunk: Uint8Array): void;
  /** Passes on the text after the last line break. */
  end(): void;
}

/**
 * Turns the chunks from a pipe into whole lines, so that lines of several programs do not mix.
 */
export function splitLines(onLine: (line: string) => void): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let held = "";
  const take = (text: string): void => {
    let from = 0;
    for (;;) {
      const at = text.indexOf("\n", from);
      if (at === -1) break;
      const line = held + text.slice(from, text[at - 1] === "\r" && at > from ? at - 1 : at);
      held = "";
      onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      from = at + 1;
    }
    held += text.slice(from);
    while (held.length > maxLine) {
      onLine(held.slice(0, maxLine));
      held = held.slice(maxLine);
    }
  };
  return {
    push: (chunk) =>
      take(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))),
    end: () => {
      take(decoder.end());
      if (held !== "") onLine(held);
      held = "";
    },
  };
}
