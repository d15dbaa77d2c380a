import type { AppBlock } from "#core/blocks/_shared/define-block.ts";
import type { App } from "#core/kernel/app.ts";
import type { AppOptions } from "./app-options.ts";
import type { LoopShare } from "#core/budget/loop-share.ts";
import type { BadTokens } from "#core/identity/bad-tokens.ts";
import { type Components, loadComponents, type LoadDeps } from "./load-components.ts";
import { sandboxed } from "#core/middleware/sandbox.ts";
import type { Configuration } from "#core/resources/configuration.ts";
import { ofKind, type Resource } from "#core/resources/resource.ts";

/** What all apps of a runtime share. */
export interface HostDeps extends Omit<LoadDeps, "denied" | "meter" | "endsStart"> {
  readonly badTokens: BadTokens;
  readonly loop: LoopShare;
  /** What blocks run for an app, in the order in which it is started. */
  blocksFor(app: App): readonly AppBlock[];
}

/** An app's components, as its Configuration allows them; those of `before` that mean the same are taken over. */
export function openComponents(
  options: AppOptions,
  deps: HostDeps,
  resources: readonly Resource[],
  configuration: Configuration,
  before?: Components,
): Promise<Components> {
  const documents = ofKind(resources, "Component");
  return loadComponents(
    options,
    configuration.wasm.strictSandbox ? documents.map(sandboxed) : documents,
    {
      ...deps,
      denied: new Set(configuration.components.deny),
      meter: options.metrics,
      endsStart: before === undefined && options.failOnComponentError === true,
    },
    before,
  );
}
