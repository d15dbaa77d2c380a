/** Runs the work for so many items at a time, and joins what it answers. All are begun at once. */
export async function inChunks<T, R>(
  items: readonly T[],
  size: number,
  work: (chunk: readonly T[]) => Promise<R>,
): Promise<readonly R[]> {
  if (items.length <= size) return items.length === 0 ? [] : [await work(items)];
  const chunks = Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
  return Promise.all(chunks.map(work));
}
