import { Pool } from "undici";
import type { Random } from "./random.ts";

export interface CallResult {
  /** `undefined`: every attempt has failed. */
  readonly body: string | undefined;
  readonly attempts: number;
  readonly ms: number;
  readonly failure: string | undefined;
}
export interface CallRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: string;
}
/** Calls the API of one runtime of several, and another one if that fails. */
export interface Caller extends AsyncDisposable {
  call(request: CallRequest): Promise<CallResult>;
}

const firstPauseMs = 100;

export function createCaller(
  ports: readonly number[],
  random: Random,
  { retries, connections = 64 }: { readonly retries: number; readonly connections?: number },
): Caller {
  const pools = ports.map(
    (port) =>
      new Pool(`http://127.0.0.1:${port}`, {
        connections,
        headersTimeout: 30_000,
        bodyTimeout: 30_000,
      }),
  );
  async function once(pool: Pool, request: CallRequest): Promise<string> {
    const headers = { "content-type": "application/json" };
    const { statusCode, body } = await pool.request({ ...request, headers });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`${statusCode} ${text}`);
    return text;
  }
  return {
    call: async (request) => {
      const began = performance.now();
      let failure: string | undefined;
      let at = random.below(pools.length);
      for (let attempts = 1; ; attempts++) {
        try {
          const body = await once(pools[at] as Pool, request);
          return { body, attempts, ms: performance.now() - began, failure };
        } catch (reason) {
          failure = String(reason);
          if (attempts > retries)
            return { body: undefined, attempts, ms: performance.now() - began, failure };
        }
        const pause = firstPauseMs * 2 ** (attempts - 1) * (0.5 + random.next());
        await new Promise((done) => setTimeout(done, pause));
        if (pools.length > 1) at = (at + 1 + random.below(pools.length - 1)) % pools.length;
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}
