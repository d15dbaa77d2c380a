import { expect, it } from "vitest";
import { createInstances } from "#core/hosting/instances.ts";
import { defineComponent } from "#core/ports/manifest.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

it("a component that opens too late and cannot be closed harms nobody", async () => {
  const opened = Promise.withResolvers<never>();
  const slow = defineComponent({
    kind: "state",
    type: "state.slow",
    version: "v1",
    targets: ["node"],
    about: "For this test.",
    options: {},
    open: () => opened.promise,
  });
  const clock = fakeClock();
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    const spec = { name: "s", namespace: "", metadata: {} };
    const lease = createInstances({ clock } as never, clock).open(slow, spec, 1000);
    lease.catch(() => {});
    await clock.advance(1000);
    await expect(lease).rejects.toThrow("init timeout for component s exceeded after 1000 ms");
    let closings = 0;
    opened.resolve({
      [Symbol.asyncDispose]: async () => {
        closings++;
        throw new Error("cannot close");
      },
    } as never);
    await clock.advance(0);
    expect(closings).toBe(1);
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", note);
  }
});
