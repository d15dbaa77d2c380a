import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { NamedText } from "#targets/_shared/settings.ts";

/** Larger files are refused; Dapr's resources are a few KiB. */
const maxFileBytes = 4 * 1024 * 1024;

/** The resource files of a folder. At once, since triggers are registered while the app loads. */
export function readFolder(path: string): readonly NamedText[] {
  const names = readdirSync(path)
    .filter((name) => /\.(?:ya?ml|json)$/i.test(name))
    .sort();
  return names.map((name) => {
    const file = join(path, name);
    const { size } = statSync(file);
    if (size > maxFileBytes)
      throw new Error(`Cannot read "${file}": it has ${size} bytes, more than ${maxFileBytes}`);
    return { name: file, text: readFileSync(file, "utf8") };
  });
}
