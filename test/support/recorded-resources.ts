import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the recorded daprd was started with. */
export const recordedFolder: string = join(import.meta.dirname, "../conformance/recorded");

/** The recording's resources, in a folder of their own: its app listened on 7601, ours takes any free port. */
export function recordedResources(port: number): string {
  const target = mkdtempSync(join(tmpdir(), "outrigger-recorded-"));
  for (const name of readdirSync(join(recordedFolder, "resources"))) {
    const text = readFileSync(join(recordedFolder, "resources", name), "utf8");
    writeFileSync(join(target, name), text.replaceAll("127.0.0.1:7601", `127.0.0.1:${port}`));
  }
  return target;
}

/** Lines `step name | reason` of a list of known gaps. */
export function knownGaps(file: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(import.meta.dirname, "../known-gaps", file), "utf8");
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const [name = "", reason = ""] = line.split(" | ");
        return [name, reason];
      }),
  );
}
