import type { HeaderList } from "#core/ports/platform.ts";

/** First value of a header; `name` in lower case. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if ((headers[i] as string).toLowerCase() === name) return headers[i + 1];
  return undefined;
}

/** All values of a header; `name` in lower case. */
export function headerValues(headers: HeaderList, name: string): readonly string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if ((headers[i] as string).toLowerCase() === name) out.push(headers[i + 1] as string);
  return out;
}

/** Without some headers; names in lower case. */
export function withoutHeaders(headers: HeaderList, ...names: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (!names.includes((headers[i] as string).toLowerCase()))
      out.push(headers[i] as string, headers[i + 1] as string);
  return out;
}

/** With one header set; what the sender had under that name is gone. */
export function withHeader(headers: HeaderList, name: string, value: string): string[] {
  return [...withoutHeaders(headers, name.toLowerCase()), name, value];
}
