/** Rows under their headings, in columns; the last column is as long as it is. */
export function table(headings: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return pagedTable(headings)(rows);
}

/** As `table`, for rows that come page by page: the headings come with the first page, and columns only become wider. */
export function pagedTable(
  headings: readonly string[],
): (rows: ReadonlyArray<readonly string[]>) => string {
  let widths: readonly number[] | undefined;
  return (rows) => {
    const lines = widths ? rows : [headings, ...rows];
    const cells = lines.map((row) => row.map((cell) => printable(cell)));
    const columns = headings.map((_, column) =>
      Math.max(widths?.[column] ?? 0, ...cells.map((row) => row[column]?.length ?? 0)),
    );
    widths = columns;
    return cells
      .map((row) =>
        row
          .map((cell, column) =>
            column === row.length - 1 ? cell : cell.padEnd(columns[column] ?? 0),
          )
          .join("   ")
          .trimEnd(),
      )
      .map((line) => `${line}\n`)
      .join("");
  };
}

/** The order of rows by their cells, the first one first. */
export function compareRows(a: readonly string[], b: readonly string[]): number {
  for (const [i, text] of a.entries()) {
    const other = b[i] ?? "";
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}

/** Text of a cluster on a terminal: what terminals act on is shown as a question mark, lines become one. */
export function printable(text: string): string {
  return (
    text
      .replace(/[\r\n\t]+/g, " ")
      // eslint-disable-next-line no-control-regex -- exactly these must go
      .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "?")
  );
}

/** `4d`, `3h`, `12m`, `5s`; nothing for a time that cannot be read. */
export function age(since: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(since)) / 1000);
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 120) return `${Math.max(0, seconds)}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
