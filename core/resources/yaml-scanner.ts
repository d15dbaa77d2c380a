import { Lexer } from "yaml";

/** How much of a file may still be read: a reader's time goes with the tokens, not with the characters. */
export interface TokenBudget {
  left: number;
}
export const maxTokensOfFile = 1_000_000;
const maxTokens = 200_000;
const maxNesting = 64;

/** The tokens of one document, as the library's parser takes them. Throws for more than anybody writes. */
export function* scan(text: string, budget: TokenBudget): Generator<string> {
  const most = Math.min(maxTokens, budget.left);
  let count = 0;
  let nesting = 0;
  try {
    for (const token of createScanner().lex(text)) {
      if (++count > most)
        throw new Error(
          most === maxTokens
            ? `it has more than ${maxTokens} tokens`
            : `the file has more than ${maxTokensOfFile} tokens`,
        );
      if (token === "[" || token === "{") nesting++;
      else if (token === "]" || token === "}") nesting--;
      if (nesting > maxNesting) throw new Error(`it is nested deeper than ${maxNesting} levels`);
      yield token;
    }
  } finally {
    budget.left -= count;
  }
}

/** States of the library's scanner. */
interface States {
  /** How far the next line must be indented to belong to the current value. */
  indentNext: number;
  parseFlowCollection(): Generator<string, unknown>;
  parseQuotedScalar(): Generator<string, unknown>;
}

/** The library's scanner, but that lines within quotes and brackets need no indentation: Go's reader asks for none. */
function createScanner(): Lexer {
  const lexer = new Lexer();
  const states = lexer as unknown as States;
  for (const name of ["parseFlowCollection", "parseQuotedScalar"] as const) {
    const read = states[name];
    states[name] = function* () {
      const { indentNext } = states;
      states.indentNext = 0;
      const next = yield* read.call(states);
      states.indentNext = indentNext;
      return next;
    };
  }
  return lexer;
}
