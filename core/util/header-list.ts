import type { HeaderList } from "#core/ports/platform.ts";

/** First value of a header; `name` in lower case. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if (isNamed(headers[i] as string, name)) return headers[i + 1];
  return undefined;
}

/** All values of a header with commas between them, as `Headers` gives them (but for cookies); `name` in lower case. */
export function joinedHeader(headers: HeaderList, name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < headers.length; i += 2)
    if (isNamed(headers[i] as string, name))
      value = value === undefined ? headers[i + 1] : `${value}, ${headers[i + 1]}`;
  return value;
}

/** Lengths first: most names differ there, and no text is made for those. */
function isNamed(name: string, wanted: string): boolean {
  return name.length === wanted.length && name.toLowerCase() === wanted;
}

/** All values of a header; `name` in lower case. */
export function headerValues(headers: HeaderList, name: string): readonly string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (isNamed(headers[i] as string, name)) out.push(headers[i + 1] as string);
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
