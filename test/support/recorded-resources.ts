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
