import type { AppRef, Platform } from "./ports/platform.ts";
import { ofKind, type Resource } from "./resources/resource.ts";
import type { ComponentDocument } from "./resources/component.ts";

/** A component that takes longer is worth a word: its server may not be there. */
const slowMs = 2000;

/** What is said of one component that opens. */
export interface OpeningLog {
  loaded(): void;
  /** It has opened, or failed. */
  end(): void;
}

export function openingLog(
  document: ComponentDocument,
  { appId }: AppRef,
  { log, clock }: Pick<Platform, "log" | "clock">,
): OpeningLog {
  const { name, spec } = document;
  const fields = { app_id: appId };
  const title = `${name} (${spec.type}/${spec.version || "v1"})`;
  const began = clock.now();
  log.debug(`Opening component ${title} of ${whereOf(document)}`, fields);
  const end = clock.after(slowMs, () => log.info(`Waiting for component ${title}`, fields));
  return {
    loaded: () => {
      log.info(`Component loaded: ${title}`, fields);
      log.debug(`Component ${name} took ${clock.now() - began} ms to open`, fields);
    },
    end,
  };
}

/** The file of a document, and which of its documents it is. */
export function whereOf({ origin }: ComponentDocument): string {
  return `${origin.file} (document ${origin.document})`;
}

/** Throws the reasons of components that did not open and that are not to be ignored, with where they are described. */
export function throwIfFatal(
  failed: ReadonlyArray<{
    readonly name: string;
    readonly reason: string;
    readonly ignored: boolean;
  }>,
  resources: readonly Resource[],
): void {
  const documents = ofKind(resources, "Component");
  const reasons = failed
    .filter(({ ignored }) => !ignored)
    .map(({ name, reason }) => {
      const document = documents.find((each) => each.name === name);
      return document ? `${reason}; see ${whereOf(document)}` : reason;
    });
  if (reasons.length > 0) throw new Error(reasons.join("\n"));
}
