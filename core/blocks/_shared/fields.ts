/** Go's decoder takes a member whatever its letter case, and apps rely on it; the exact name goes first. */
export function field(record: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name];
  const lower = name.toLowerCase();
  for (const key of Object.keys(record))
    if (key.length === lower.length && key.toLowerCase() === lower) return record[key];
  return undefined;
}
