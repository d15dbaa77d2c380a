/** The lines of a stream, without empty ones; rejects for one of more than `maxBytes`. What ends without a line break is not a line. */
export async function* lines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<string, void, undefined> {
  let begun: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks)
    for (let from = 0; ;) {
      const at = chunk.indexOf(lineBreak, from);
      const piece = chunk.subarray(from, at < 0 ? undefined : at);
      size += piece.length;
      if (size > maxBytes) throw new Error(`a line is longer than ${maxBytes} bytes`);
      if (at < 0) {
        begun.push(piece);
        // A line that drips in holds few pieces.
        if (begun.length > mostPieces) begun = [Buffer.concat(begun)];
        break;
      }
      const line = begun.length === 0 ? piece : Buffer.concat([...begun, piece]);
      begun = [];
      size = 0;
      from = at + 1;
      if (line.length > 0) yield line.toString("utf8");
    }
}
const lineBreak = 0x0a;
const mostPieces = 1024;
