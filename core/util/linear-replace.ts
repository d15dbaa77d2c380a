import { RE2JS } from "@bufbuild/re2";

/** Replaces every match in a text, as Go's `ReplaceAllString` does: `$1`, `$name` and `${name}` stand for groups. */
export type Replace = (text: string) => string;

/**
 * Compiles an expression and its replacement; throws with the expression's fault. The library tells only whether
 * a text matches, so its compiled program is run here once more for where. Each match takes
 * time in proportion to the text, whatever the expression; all of them at most its square, so callers bound the text.
 */
export function linearReplace(pattern: string, replacement: string): Replace {
  const compiled = RE2JS.compile(pattern);
  const { prog } = compiled.re2();
  const groups = compiled.namedGroups();
  return (text) => {
    if (!compiled.test(text)) return text;
    let out = "";
    let copied = 0;
    let lastEnd = -1;
    for (let at = 0; at <= text.length;) {
      const found = search(prog, text, at);
      if (!found) break;
      const [start = 0, end = 0] = found;
      // Go: an empty match right behind a match is none.
      if (start !== end || start !== lastEnd) {
        out += text.slice(copied, start) + expanded(replacement, text, found, groups);
        copied = end;
        lastEnd = end;
      }
      at = end > at ? end : at + width(text, at);
    }
    return out + text.slice(copied);
  };
}

type Prog = ReturnType<RE2JS["re2"]>["prog"];
/** Where each group starts and ends, in turn; the first is the whole match. */
type Captures = readonly number[];
interface Thread {
  readonly pc: number;
  readonly captures: Captures;
}

/** The library's instructions; it does not export their names. */
const op = { alt: 1, altMatch: 2, capture: 3, emptyWidth: 4, fail: 5, match: 6, nop: 7 } as const;

/** The leftmost match from `from` on, and of those the one that Perl would find. */
function search(prog: Prog, text: string, from: number): Captures | undefined {
  let threads: Thread[] = [];
  let found: Captures | undefined;
  for (let at = from; ; at += width(text, at)) {
    const rune = runeAt(text, at);
    const here = assertions(runeBefore(text, at), rune);
    const next: Thread[] = [];
    const waiting: Thread[] = [];
    const seen = new Set<number>();
    // Threads stand for the state before this character; what starts here comes after all of them.
    for (const { pc, captures } of threads) follow(prog, pc, at, captures, here, seen, waiting);
    if (!found) follow(prog, prog.start, at, [], here, seen, waiting);
    for (const thread of waiting) {
      const inst = prog.getInst(thread.pc);
      if (inst.op === op.match) {
        found = [thread.captures[0] ?? at, at, ...thread.captures.slice(2)];
        break;
      }
      if (rune >= 0 && inst.matchRune(rune)) next.push({ pc: inst.out, captures: thread.captures });
    }
    if (rune < 0 || (next.length === 0 && found)) return found;
    threads = next;
  }
}

/** Goes on to all instructions that can be reached without a character, the preferred ones first. */
function follow(
  prog: Prog,
  pc: number,
  at: number,
  captures: Captures,
  here: number,
  seen: Set<number>,
  out: Thread[],
): void {
  if (seen.has(pc)) return;
  seen.add(pc);
  const given = captures.length === 0 ? [at, -1] : captures;
  const inst = prog.getInst(pc);
  const go = (to: number, with_: Captures): void => follow(prog, to, at, with_, here, seen, out);
  switch (inst.op) {
    case op.alt:
    case op.altMatch:
      go(inst.out, given);
      go(inst.arg, given);
      break;
    case op.nop:
      go(inst.out, given);
      break;
    case op.capture: {
      const changed = [...given];
      changed[inst.arg] = at;
      go(inst.out, changed);
      break;
    }
    case op.emptyWidth:
      if ((inst.arg & ~here) === 0) go(inst.out, given);
      break;
    case op.fail:
      break;
    default:
      out.push({ pc, captures: given });
  }
}

/** What is true between two characters, as the library numbers it: line, text and word boundaries. */
function assertions(before: number, after: number): number {
  const word = isWord(before) === isWord(after) ? 32 : 16;
  return word | (before < 0 ? 5 : before === 10 ? 1 : 0) | (after < 0 ? 10 : after === 10 ? 2 : 0);
}
function isWord(rune: number): boolean {
  return rune >= 0 && /\w/.test(String.fromCodePoint(rune));
}
function runeAt(text: string, at: number): number {
  return text.codePointAt(at) ?? -1;
}
function runeBefore(text: string, at: number): number {
  const low = at > 0 ? text.charCodeAt(at - 1) : -1;
  const pair = low >= 0xdc00 && low <= 0xdfff && at > 1 ? runeAt(text, at - 2) : -1;
  return pair > 0xffff ? pair : low;
}
function width(text: string, at: number): number {
  return runeAt(text, at) > 0xffff ? 2 : 1;
}

function expanded(
  template: string,
  text: string,
  captures: Captures,
  groups: ReadonlyMap<string, number>,
): string {
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    if (whole === "$$") return "$";
    const name = braced ?? bare ?? "";
    const group = /^\d+$/.test(name) ? Number(name) : (groups.get(name) ?? -1);
    const start = captures[2 * group] ?? -1;
    return start < 0 ? "" : text.slice(start, captures[2 * group + 1]);
  });
}
