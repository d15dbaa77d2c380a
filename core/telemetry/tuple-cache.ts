type Node<T> = Map<string, unknown> | T;

/**
 * What was made for a tuple of texts, found again text by text: joining them for a key would build a string per
 * call. It forgets everything once it holds `limit` tuples, so that texts which never repeat cannot fill memory.
 */
export class TupleCache<T> {
  readonly #limit: number;
  #root: Map<string, unknown> = new Map();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }
  /** The tuple must be as long as those that were put in. */
  get(tuple: readonly string[]): T | undefined {
    let at: Node<T> | undefined = this.#root;
    for (let i = 0; i < tuple.length; i++) {
      at = (at as Map<string, Node<T>>).get(tuple[i] as string);
      if (at === undefined) return undefined;
    }
    return at as T;
  }
  /** Tuples of one text or more. */
  put(tuple: readonly string[], value: T): T {
    if (this.#size >= this.#limit) {
      this.#root = new Map();
      this.#size = 0;
    }
    this.#size++;
    let at = this.#root;
    const last = tuple.length - 1;
    for (let i = 0; i < last; i++) {
      const name = tuple[i] as string;
      let next = at.get(name) as Map<string, unknown> | undefined;
      if (!next) at.set(name, (next = new Map()));
      at = next;
    }
    at.set(tuple[last] as string, value);
    return value;
  }
}
