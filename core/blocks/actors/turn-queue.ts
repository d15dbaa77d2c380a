/** The actor is leaving this host: whoever waits for it has to look for it anew. */
export class ActorLeavingError extends Error {
  override readonly name = "ActorLeavingError";
  constructor() {
    super("the actor is leaving this host");
  }
}
/** More calls of one chain than the type allows. */
export class StackDepthError extends Error {
  override readonly name = "StackDepthError";
  constructor() {
    super("maximum stack depth exceeded");
  }
}

/** Work that has the actor to itself, with all that it calls of it again. */
interface Turn {
  /** Of the chain of calls that it belongs to; `undefined` where the type is not reentrant. */
  readonly chain: string | undefined;
  /** Calls inside the turn: the turn ends with the last. */
  depth: number;
  /** Calls that begin together with the turn. */
  starts: Array<() => void> | undefined;
}

/**
 * One turn at a time, first in, first out. A call of a chain that has a turn already, running or waiting, joins it. A
 * caller that gives up leaves the queue.
 */
export class TurnQueue {
  #running: Turn | undefined;
  #waiting: Turn[] = [];
  #closed: (() => void) | undefined;

  /** Nothing runs or waits. */
  get isIdle(): boolean {
    return this.#running === undefined;
  }
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Runs work when it is its turn. Rejects with `ActorLeavingError` where the queue closes first, with `StackDepthError`
   * where the chain is too deep, with the signal's reason where the caller gives up waiting.
   */
  async run<T>(
    work: () => Promise<T>,
    signal: AbortSignal,
    chain?: string,
    mostDepth: number = Infinity,
  ): Promise<T> {
    const joined = chain === undefined ? undefined : this.#turnOf(chain);
    if (!joined) {
      if (this.#closed) throw new ActorLeavingError();
      signal.throwIfAborted();
    } else if (joined.depth >= mostDepth) throw new StackDepthError();
    const turn = joined ?? this.#enqueue(chain);
    turn.depth++;
    try {
      if (turn !== this.#running) await this.#started(turn, signal);
      return await work();
    } finally {
      if (--turn.depth === 0) this.#end(turn);
    }
  }

  /** Lets nothing new in, and sends away what waits; resolves when what runs has ended. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = resolve;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { starts } of waiting) for (const start of starts ?? []) start();
    if (!this.#running) resolve();
    await promise;
  }

  #turnOf(chain: string): Turn | undefined {
    if (this.#running?.chain === chain) return this.#running;
    return this.#waiting.find((turn) => turn.chain === chain);
  }
  #enqueue(chain: string | undefined): Turn {
    const turn: Turn = { chain, depth: 0, starts: undefined };
    if (this.#running) this.#waiting.push(turn);
    else this.#running = turn;
    return turn;
  }
  #started(turn: Turn, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const give = (): void => reject(signal.reason);
      const start = (): void => {
        signal.removeEventListener("abort", give);
        if (turn === this.#running) resolve();
        else reject(new ActorLeavingError());
      };
      signal.addEventListener("abort", give, { once: true });
      (turn.starts ??= []).push(start);
    });
  }
  #end(turn: Turn): void {
    if (turn !== this.#running) {
      const at = this.#waiting.indexOf(turn);
      if (at >= 0) this.#waiting.splice(at, 1);
      return;
    }
    const next = this.#waiting.shift();
    this.#running = next;
    if (!next) return this.#closed?.();
    const starts = next.starts ?? [];
    next.starts = undefined;
    for (const start of starts) start();
  }
}
