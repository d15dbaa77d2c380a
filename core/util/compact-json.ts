/** JSON text as Go's encoder writes raw JSON: without white space between tokens, and safe to put into HTML. */
export function compactJson(text: string): string {
  const compact = /[ \t\r\n]/.test(text) ? text.replace(stringsOrSpace, "$1") : text;
  return /[<>&\u2028\u2029]/.test(compact)
    ? compact.replace(/[<>&\u2028\u2029]/g, escaped)
    : compact;
}

const stringsOrSpace = /("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g;

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
