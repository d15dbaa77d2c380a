import { expect, onTestFinished, test, type TestContext } from "vitest";
import { ComponentError } from "#core/errors/component-error.ts";
import { noMetadata } from "#core/ports/component.ts";
import type {
  Fence,
  FencedWrites,
  StateOp,
  StatePut,
  StateStore,
} from "#core/ports/state-store.ts";
import type { StateStoreSubject } from "./state-store.ts";

const options = { signal: new AbortController().signal };

/** What every state store promises of `fenced`, if it has it. */
export function fencedWritesContract({
  name,
  store,
  newKey,
  openAnother,
  traits,
}: StateStoreSubject & {
  readonly store: () => StateStore;
  readonly newKey: () => string;
}): void {
  const fencedOf = (context: TestContext): FencedWrites => {
    const { fenced } = store();
    if (!fenced) context.skip(`${name} has no fenced writes`);
    return fenced as FencedWrites;
  };
  const put = (key: string, value: string, more: Partial<StatePut> = {}): StatePut => ({
    op: "put",
    key,
    value,
    metadata: noMetadata,
    ...more,
  });
  const textAt = async (key: string, from = store()): Promise<string | undefined> => {
    const [item] = await from.read([{ key, metadata: noMetadata }], options);
    return (
      item && (typeof item.value === "string" ? item.value : new TextDecoder().decode(item.value))
    );
  };
  const newScope = (): string => `counter||${crypto.randomUUID()}`;
  const refused = async (work: Promise<unknown>): Promise<void> => {
    await expect(work).rejects.toSatisfy(
      (reason) => ComponentError.is(reason) && reason.kind === "fenced",
    );
  };

  test("fenced.transact writes with the greatest fence known, and with a greater one", async (context) => {
    const fenced = fencedOf(context);
    const [key, scope] = [newKey(), newScope()];
    for (const [i, fence] of [5, 5, 6, 1e15, Number.MAX_SAFE_INTEGER].entries()) {
      await fenced.transact([put(key, String(i))], { scope, fence }, options);
      expect(await textAt(key)).toBe(String(i));
    }
  });
  test("fenced.transact refuses a smaller fence and writes nothing", async (context) => {
    const fenced = fencedOf(context);
    const [key, gone, scope] = [newKey(), newKey(), newScope()];
    await fenced.transact([put(key, "1"), put(gone, "1")], { scope, fence: 7 }, options);
    const ops: readonly StateOp[] = [
      put(key, "2"),
      put(newKey(), "2"),
      { op: "delete", key: gone, metadata: noMetadata },
    ];
    await refused(fenced.transact(ops, { scope, fence: 6 }, options));
    expect(await Promise.all(ops.map((op) => textAt(op.key)))).toEqual(["1", undefined, "1"]);
    await fenced.transact(ops, { scope, fence: 7 }, options);
    expect(await Promise.all(ops.map((op) => textAt(op.key)))).toEqual(["2", "2", undefined]);
  });
  test("fenced.transact applies its operations in order, and takes none", async (context) => {
    const fenced = fencedOf(context);
    const [key, scope] = [newKey(), newScope()];
    await fenced.transact([], { scope, fence: 3 }, options);
    await refused(fenced.transact([], { scope, fence: 2 }, options));
    const removal: StateOp = { op: "delete", key, metadata: noMetadata };
    await fenced.transact([put(key, "1"), removal, put(key, "2")], { scope, fence: 3 }, options);
    expect(await textAt(key)).toBe("2");
  });
  test("fenced.raise refuses smaller fences from then on", async (context) => {
    const fenced = fencedOf(context);
    const [key, scope] = [newKey(), newScope()];
    await fenced.raise({ scope, fence: 10 }, options);
    await refused(fenced.transact([put(key, "1")], { scope, fence: 9 }, options));
    await refused(fenced.raise({ scope, fence: 9 }, options));
    await fenced.raise({ scope, fence: 10 }, options);
    await fenced.transact([put(key, "2")], { scope, fence: 10 }, options);
    expect(await textAt(key)).toBe("2");
  });
  test("fenced.transact of one scope does not meet another's, and a scope is not a key", async (context) => {
    const fenced = fencedOf(context);
    const scope = newScope();
    const scopes = [
      scope,
      `${scope}|`,
      scope.toUpperCase(),
      `${scope} `,
      `${scope}%`,
      `${scope}😀`,
    ];
    for (const [i, each] of scopes.entries())
      await fenced.raise({ scope: each, fence: 100 - i }, options);
    for (const [i, each] of scopes.entries()) {
      await refused(fenced.raise({ scope: each, fence: 99 - i }, options));
      await fenced.transact([put(newKey(), "1")], { scope: each, fence: 100 - i }, options);
    }
    expect(await textAt(scope)).toBeUndefined();
    const key = newKey();
    await store().write(put(key, '"value"'), options);
    await fenced.raise({ scope: key, fence: 1 }, options);
    expect(await textAt(key)).toBe('"value"');
  });
  test("write and transact without a fence go through whatever is known", async (context) => {
    const fenced = fencedOf(context);
    const [key, scope] = [newKey(), newScope()];
    await fenced.transact([put(key, "1")], { scope, fence: 10 }, options);
    await store().write(put(key, "2"), options);
    await store().transact?.([put(key, "3")], options);
    expect(await textAt(key)).toBe("3");
  });
  test("fenced.transact writes nothing when an etag does not match", async (context) => {
    const fenced = fencedOf(context);
    if (!store().features.includes("ETAG")) context.skip(`${name} has no etags`);
    const [a, b, scope] = [newKey(), newKey(), newScope()];
    const fence: Fence = { scope, fence: 1 };
    await fenced.transact([put(a, '"a"'), put(b, '"b"')], fence, options);
    for (const more of [0, 1]) {
      await expect(
        fenced.transact(
          [put(a, "2"), put(b, "2", { etag: traits.staleEtag })],
          { scope, fence: fence.fence + more },
          options,
        ),
      ).rejects.toSatisfy((reason) => ComponentError.is(reason) && reason.kind === "etag-mismatch");
      expect([await textAt(a), await textAt(b)]).toEqual(['"a"', '"b"']);
    }
  });
  test("fenced.transact of one scope at once lets no smaller fence through after a greater one", async (context) => {
    const fenced = fencedOf(context);
    const [key, scope] = [newKey(), newScope()];
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        fenced.transact([put(key, String(i % 10))], { scope, fence: 1 + (i % 10) }, options),
      ),
    );
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ kind: "fenced" });
    expect(await textAt(key)).toBe("9");
  });
  test("what one connection has raised counts for all", async (context) => {
    const fenced = fencedOf(context);
    if (!openAnother) context.skip(`${name} is nobody else's`);
    const other = (await openAnother?.()) as StateStore;
    onTestFinished(() => other[Symbol.asyncDispose]());
    const [key, scope] = [newKey(), newScope()];
    await fenced.transact([put(key, "1")], { scope, fence: 4 }, options);
    await other.fenced?.raise({ scope, fence: 5 }, options);
    await refused(fenced.transact([put(key, "2")], { scope, fence: 4 }, options));
    expect(await textAt(key, other)).toBe("1");
    await other.fenced?.transact([put(key, "3")], { scope, fence: 5 }, options);
    expect(await textAt(key)).toBe("3");
  });
}
