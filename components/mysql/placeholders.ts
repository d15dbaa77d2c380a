/** `(?, ?, …)`, one for each value. */
export function listOf(values: readonly unknown[]): string {
  return `(${values.map(() => "?").join(", ")})`;
}
