import { expect, test } from "vitest";
import type { BindingData, InputBinding } from "#core/ports/bindings.ts";
import { eventually } from "#test/support/eventually.ts";

export interface InputBindingSubject {
  readonly open: () => Promise<InputBinding>;
  /** Makes one event happen. */
  readonly trigger: () => Promise<void>;
  /** What the component does with an event that was rejected. */
  readonly afterRejection: "comes-again" | "is-gone";
}

interface Listening {
  end(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What every input binding promises, whatever is behind it. */
export function inputBindingContract({ open, trigger, afterRejection }: InputBindingSubject): void {
  const listen = async (deliver: (event: BindingData) => Promise<void>): Promise<Listening> => {
    const port = await open();
    const ended = new AbortController();
    await port.listen(
      async (event) => {
        await deliver(event);
        return undefined;
      },
      { signal: ended.signal },
    );
    return {
      end: () => ended.abort(),
      [Symbol.asyncDispose]: async () => {
        ended.abort();
        await port[Symbol.asyncDispose]();
      },
    };
  };

  test("listen hands over an event, its metadata all texts", async () => {
    const seen: BindingData[] = [];
    await using _ = await listen(async (event) => void seen.push(event));
    await trigger();
    await eventually(() => seen.length === 1, { what: "the event" });
    for (const value of Object.values(seen[0]?.metadata ?? {})) expect(value).toBeTypeOf("string");
  });
  test("listen goes on after an event that the app rejected", async () => {
    let count = 0;
    await using _ = await listen(async () => {
      if (++count === 1) throw new Error("not now");
    });
    await trigger();
    await eventually(() => count >= 1, { what: "the rejected event" });
    await trigger();
    const wanted = afterRejection === "comes-again" ? 3 : 2;
    await eventually(() => count === wanted, { what: `${wanted} deliveries` });
  });
  test("listen hands nothing over once its signal has fired", async () => {
    let count = 0;
    await using listening = await listen(async () => void count++);
    await trigger();
    await eventually(() => count === 1, { what: "the event" });
    listening.end();
    await trigger();
    expect(count).toBe(1);
  });
  test("listen hands nothing over once the component is closed", async () => {
    let count = 0;
    const listening = await listen(async () => void count++);
    await listening[Symbol.asyncDispose]();
    await trigger();
    expect(count).toBe(0);
  });
}
