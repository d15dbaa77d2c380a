/** Waits until the check holds; fails with what it last answered, or threw, once the time is over. */
export async function eventually<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  {
    withinMs = 5000,
    what = "the condition",
  }: { readonly withinMs?: number; readonly what?: string } = {},
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (reason) {
      last = reason;
    }
    if (Date.now() > deadline)
      throw new Error(`Waited ${withinMs} ms in vain for ${what}; last: ${String(last)}`, {
        cause: last,
      });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
