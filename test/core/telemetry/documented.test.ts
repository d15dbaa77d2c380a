import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defaultLatencyBuckets } from "#core/resources/metrics.ts";
import { catalogue } from "#core/telemetry/catalogue.ts";
import { exposedName } from "#core/telemetry/catalogue/metric-spec.ts";
import { maxLabelLength, maxSeries, overflowLabel } from "#core/telemetry/family.ts";

const text = readFileSync(join(import.meta.dirname, "../../../docs/observability.md"), "utf8");

describe("docs/observability.md", () => {
  test("has a row for each metric as it is, in order, and no other", () => {
    const rows = text
      .split("\n")
      .filter((line) => /^\| `(?:dapr|outrigger)_/.test(line))
      .map((line) =>
        line
          .split("|")
          .map((cell) => cell.trim())
          .slice(1, -1)
          .join(" | "),
      );
    const wanted = catalogue.map(({ name, kind, labels, help }) =>
      [
        `\`${exposedName(name)}\``,
        kind,
        labels.map((label) => `\`${label}\``).join(", ") || "–",
        help,
      ].join(" | "),
    );
    expect(rows).toEqual(wanted);
  });
  test("says the bounds and the buckets as they are", () => {
    expect(text).toContain(`at most ${maxSeries} series for each app`);
    expect(text).toContain(`at most ${maxLabelLength} characters`);
    expect(text).toContain(`\`${overflowLabel}\``);
    expect(text).toContain(defaultLatencyBuckets.join(", "));
  });
});
