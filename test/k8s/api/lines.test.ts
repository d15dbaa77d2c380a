import { expect, it } from "vitest";
import { lines } from "#k8s/api/lines.ts";

async function all(chunks: readonly string[] | readonly Buffer[], max = 100): Promise<string[]> {
  const read: string[] = [];
  async function* source(): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield Buffer.from(chunk as string);
  }
  for await (const line of lines(source(), max)) read.push(line);
  return read;
}

it("takes lines apart wherever chunks end, also within a character", async () => {
  const bytes = Buffer.from('{"a":"ü€😀"}\n\n\n{"b":2}\n');
  for (let size = 1; size <= bytes.length; size++) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    expect(await all(chunks)).toEqual(['{"a":"ü€😀"}', '{"b":2}']);
  }
});
it("what ends without a line break is not a line", async () => {
  expect(await all(["one\ntwo\nthr"])).toEqual(["one", "two"]);
  expect(await all([])).toEqual([]);
});
it("a line has a limit, in one chunk or many", async () => {
  expect(await all([`${"x".repeat(100)}\n`])).toHaveLength(1);
  await expect(all([`${"x".repeat(101)}\n`])).rejects.toThrow(/longer than 100 bytes/);
  await expect(all(Array.from({ length: 101 }, () => "x"))).rejects.toThrow(/longer/);
});
it("a line of thousands of pieces is whole", async () => {
  const pieces = [...Array.from({ length: 5000 }, (_, i) => String(i % 10)), "\n"];
  expect((await all(pieces, 10_000))[0]).toBe(pieces.join("").trim());
});
