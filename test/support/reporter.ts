import type { Reporter, TestModule, Vitest } from "vitest/node";

/** Ends a run with the plain line `N passed, N failed`, and lists what was skipped, with the reason each test gives. */
export default class PlainLine implements Reporter {
  #vitest: Vitest | undefined;
  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    const skipped: string[] = [];
    for (const module of modules) {
      if (module.state() === "failed" && module.errors().length > 0) failed++;
      // Where a hook of a suite fails, none of its tests does.
      for (const suite of module.children.allSuites())
        if (suite.state() === "failed" && suite.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed++;
        else if (result.state === "failed") failed++;
        else
          skipped.push(
            `${test.fullName}${"note" in result && result.note ? `: ${result.note}` : ""}`,
          );
      }
    }
    for (const name of skipped) this.#vitest?.logger.log(`skipped: ${name}`);
    this.#vitest?.logger.log(
      `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`,
    );
  }
}
