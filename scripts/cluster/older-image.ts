import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runtimeVersion } from "#core/blocks/metadata/operations.ts";
import { writeImage } from "../oci/image.ts";
import { nodeLayer, runtimeEntrypoint, runtimeLayer, user } from "../oci/layers.ts";
import { imagesFolder } from "./places.ts";

export const olderVersion = "0.0.9";
export const olderImageName: string = `outrigger.test/outrigger:${olderVersion}`;

/** The runtime's image as if it were an older one: apps are told so by their metadata. Answers the archive. */
export async function olderImage(): Promise<string> {
  const target = join(imagesFolder, "older.tar");
  const says = JSON.stringify(runtimeVersion);
  const said = new RegExp(`runtimeVersion ?= ?${says}`);
  let found = 0;
  const layer = runtimeLayer().map((entry) => {
    const { content } = entry;
    if (!("file" in content) || !entry.path.endsWith(".js")) return entry;
    const text = readFileSync(content.file, "utf8");
    if (!said.test(text)) return entry;
    found++;
    return { ...entry, content: { text: text.replace(said, `runtimeVersion="${olderVersion}"`) } };
  });
  // Once for what a sidecar starts with, once for the commands beside it.
  if (found !== 2) throw new Error(`The bundle says ${found} times which version it is`);
  await writeImage({
    target,
    names: [olderImageName],
    layers: [nodeLayer(), layer],
    entrypoint: runtimeEntrypoint,
    user: `${user.id}:${user.id}`,
  });
  return target;
}
