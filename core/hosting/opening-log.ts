import type { AppRef, Platform } from "#core/ports/platform.ts";
import type { ComponentDocument } from "#core/resources/component.ts";

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

export interface Failure {
  readonly name: string;
  readonly why: string;
  readonly reason: string;
  readonly ignored: boolean;
  /** Its file and document. */
  readonly where: string;
}
/** What the reasons of components whose name another one has begin with; Dapr tells all of these at once. */
export const twiceDefined = "failed to load components: ";

/** Throws the reasons of components that did not open and that are not to be ignored, with where they are described. */
export function throwIfFatal(failed: readonly Failure[]): void {
  const fatal = failed.filter(({ ignored }) => !ignored);
  const isTwice = ({ reason }: Failure): boolean => reason.startsWith(twiceDefined);
  const twice = fatal.filter(isTwice);
  const reasons = fatal
    .filter((each) => !isTwice(each))
    .map(({ name, reason, where }) => `process component ${name} error: ${reason}; see ${where}`);
  if (twice.length > 0) {
    const whys = twice.map(({ why }) => why);
    const places = twice.map(({ where }) => where);
    reasons.unshift(`${twiceDefined}${whys.join("\n")}; see ${places.join(", ")}`);
  }
  if (reasons.length > 0) throw new Error(reasons.join("\n"));
}
