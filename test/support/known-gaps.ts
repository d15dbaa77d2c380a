import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Lines `name | reason` of a list of known gaps; throws for one without a reason. */
export function knownGaps(file: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(import.meta.dirname, "../known-gaps", file), "utf8");
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const [name = "", reason = ""] = line.split(" | ");
        if (reason === "") throw new Error(`${file}: "${name}" stands there without a reason`);
        return [name, reason];
      }),
  );
}
