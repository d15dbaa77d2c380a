import { afterAll, beforeAll, expect, test } from "vitest";
import { ComponentError } from "#core/errors/component-error.ts";
import type { BindingData, OutputBinding } from "#core/ports/bindings.ts";

export interface OutputBindingSubject {
  readonly open: () => Promise<OutputBinding>;
  /** An operation that succeeds with this request, and whether it has something to say. */
  readonly works: {
    readonly operation: string;
    readonly request: BindingData;
    readonly answers: boolean;
  };
  /** An operation that the component offers and that fails with this request. */
  readonly fails: { readonly operation: string; readonly request: BindingData };
}
const options = { signal: new AbortController().signal };

/** What every output binding promises, whatever is behind it. */
export function outputBindingContract({ open, works, fails }: OutputBindingSubject): void {
  let port: OutputBinding;
  beforeAll(async () => {
    port = await open();
  });
  afterAll(async () => port?.[Symbol.asyncDispose]());

  test("operations are named, each once", () => {
    expect(port.operations.length).toBeGreaterThan(0);
    expect(new Set(port.operations).size).toBe(port.operations.length);
    expect(port.operations).toContain(works.operation);
  });
  test("invoke gives data and texts as metadata, or nothing", async () => {
    const answer = await port.invoke(works.operation, works.request, options);
    expect(answer !== undefined).toBe(works.answers);
    if (!answer) return;
    expect(typeof answer.data === "string" || answer.data instanceof Uint8Array).toBe(true);
    for (const value of Object.values(answer.metadata)) expect(value).toBeTypeOf("string");
  });
  test("invoke refuses an operation that it does not list, as unsupported", async () => {
    for (const operation of ["no-such-operation", "constructor", "__proto__"]) {
      const refused = await port
        .invoke(operation, works.request, options)
        .catch((reason: unknown) => reason);
      expect({ operation, refused: ComponentError.is(refused) && refused.kind }).toEqual({
        operation,
        refused: "unsupported",
      });
    }
  });
  test("invoke rejects with a ComponentError when it fails", async () => {
    const refused = await port
      .invoke(fails.operation, fails.request, options)
      .catch((reason: unknown) => reason);
    expect(ComponentError.is(refused)).toBe(true);
  });
  test("invoke does not start once the caller has gone", async () => {
    await expect(
      port.invoke(works.operation, works.request, { signal: AbortSignal.abort(new Error("gone")) }),
    ).rejects.toThrow();
  });
  test("invoke works many times at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => port.invoke(works.operation, works.request, options)),
    );
    for (const answer of answers) expect(answer !== undefined).toBe(works.answers);
  });
}
