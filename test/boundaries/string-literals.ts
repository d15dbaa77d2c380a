/**
 * The string literals of TypeScript code, without comments. Expressions in a template are replaced
 * with `${x}`; string literals in them are yielded separately.
 */
export function* stringLiterals(code: string): Generator<string> {
  const templates: Template[] = [];
  for (let at = 0; at < code.length; at++) {
    const char = code[at] as string;
    const template = templates.at(-1);
    if (code.startsWith("//", at)) at = indexAfter(code, "\n", at) - 1;
    else if (code.startsWith("/*", at)) at = indexAfter(code, "*/", at + 2) - 1;
    else if (char === "/" && isExpressionNext(code, at)) at = endOfRegExp(code, at);
    else if (char === '"' || char === "'") {
      const end = endOfString(code, at);
      yield code.slice(at + 1, end);
      at = end;
    } else if (char === "`" || (char === "}" && template?.braces === 0)) {
      const opened = char === "`" || !template ? { text: "", braces: 0 } : template;
      if (opened !== template) templates.push(opened);
      at = readTemplate(code, at + 1, opened);
      if (code[at] !== "`") continue;
      templates.pop();
      yield opened.text;
    } else if (template && char === "{") template.braces++;
    else if (template && char === "}") template.braces--;
  }
}

/** A template that has not ended yet. */
interface Template {
  text: string;
  /** Open braces in its current expression. */
  braces: number;
}

/** Whether a slash at this place starts a regular expression instead of being a division. */
function isExpressionNext(code: string, at: number): boolean {
  const before = code.slice(Math.max(0, at - 40), at).trimEnd();
  return (
    before === "" || /(?:[([{,;:=!&|?+\-*%<>~^}]|\b(?:return|case|typeof|await))$/.test(before)
  );
}

function indexAfter(code: string, text: string, from: number): number {
  const found = code.indexOf(text, from);
  return found === -1 ? code.length : found + text.length;
}

function endOfString(code: string, start: number): number {
  let at = start + 1;
  while (at < code.length && code[at] !== code[start]) at += code[at] === "\\" ? 2 : 1;
  return at;
}

function endOfRegExp(code: string, start: number): number {
  let isClass = false;
  let at = start + 1;
  for (; at < code.length && (isClass || code[at] !== "/"); at++) {
    if (code[at] === "\\") at++;
    else if (code[at] === "[") isClass = true;
    else if (code[at] === "]") isClass = false;
  }
  return at;
}

/** Reads up to the end of the template or the start of its next expression. */
function readTemplate(code: string, start: number, opened: Template): number {
  for (let at = start; at < code.length; at++) {
    if (code[at] === "`") return at;
    if (code[at] === "$" && code[at + 1] === "{") {
      opened.text += "${x}";
      return at + 1;
    }
    opened.text += code[at];
    if (code[at] === "\\") opened.text += code[++at] ?? "";
  }
  return code.length;
}
