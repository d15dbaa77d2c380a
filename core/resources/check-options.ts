import type { Metadata } from "#core/ports/component.ts";
import type { OptionSpec, OptionTable } from "#core/ports/manifest.ts";
import { parseDuration } from "#core/util/duration.ts";
import { didYouMean, nearest } from "#core/util/nearest.ts";

/** Names that the runtime itself reads, whatever the component. */
const ofTheRuntime: ReadonlySet<string> = new Set(
  [
    "actorStateStore",
    "keyPrefix",
    "primaryEncryptionKey",
    "secondaryEncryptionKey",
    "outboxPublishPubsub",
    "outboxPublishTopic",
    "outboxPubsub",
    "outboxDiscardWhenMissingState",
    "allowedTopics",
    "publishingScopes",
    "subscriptionScopes",
    "protectedTopics",
    "consumerID",
    "direction",
    "route",
  ].map((name) => name.toLowerCase()),
);

/**
 * Compares settings (names in lower case) with what the manifest offers: throws for what cannot
 * work, returns warnings for the rest. `written`: the names as the document has them.
 */
export function checkOptions(
  table: OptionTable,
  metadata: Metadata,
  written: readonly string[] = Object.keys(metadata),
): readonly string[] {
  const names = Object.keys(table);
  const known = new Set(names.map((name) => name.toLowerCase()));
  const unknown = written.filter(
    (name) => !known.has(name.toLowerCase()) && !ofTheRuntime.has(name.toLowerCase()),
  );
  for (const name of names) {
    const option = table[name] as OptionSpec;
    const value = metadata[name.toLowerCase()];
    if (value === undefined || value === "") {
      if (!option.required) continue;
      const meant = nearest(name, unknown);
      const hint = meant === undefined ? "" : `; is "${meant}" a misspelling of it?`;
      throw new Error(`metadata "${name}" is missing; expected: ${option.about}${hint}`);
    }
    // Dapr: of a boolean every text but its words for yes means no.
    if (option.type !== "boolean" && !fits(option, value)) {
      throw new Error(
        `metadata "${name}" is "${option.sensitive ? "…" : value}"; make it a ${option.type}`,
      );
    }
  }
  return [
    ...unknown.map(
      (name) => `metadata "${name}" is unknown and has no effect${didYouMean(name, names)}`,
    ),
    ...names.flatMap((name) => {
      const value = metadata[name.toLowerCase()] ?? "";
      const option = table[name] as OptionSpec;
      return option.type !== "boolean" || value === "" || fits(option, value)
        ? []
        : `metadata "${name}" is "${value}", which means false; make it true or false`;
    }),
  ];
}

function fits({ type }: OptionSpec, value: string): boolean {
  switch (type) {
    case "number":
      return value.trim() !== "" && Number.isFinite(Number(value));
    case "boolean":
      return /^(?:true|false|t|f|1|0|y|n|yes|no|on|off)$/i.test(value);
    case "duration":
      // Bare numbers are taken too: milliseconds or seconds, as each component says.
      return parseDuration(value) !== undefined || /^-?\d+$/.test(value);
    case "string":
      return true;
  }
}
