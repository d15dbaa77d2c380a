/**
 * Generates core/wire/grpc/gen/ from the `.proto` files that the official JavaScript SDK ships and from our
 * supplement in core/wire/grpc/proto/ (what those files lack). Works offline; the output is not checked in.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { cp, rename, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..");
const sdk = join(root, "node_modules/@dapr/dapr/proto");
const supplement = join(root, "core/wire/grpc/proto");
const gen = join(root, "core/wire/grpc/gen");
const bin = join(root, "node_modules/.bin");
/** What we speak; of the control plane the certificate authority only. */
const wanted = ["dapr/proto/common/v1", "dapr/proto/runtime/v1", "dapr/proto/sentry/v1"];

/** Generates unless the inputs are those of the last time. */
export async function generateProto(): Promise<void> {
  const stamp = join(gen, ".stamp");
  const inputs = fingerprint([...wanted.map((path) => join(sdk, path)), supplement]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) return;
  const work = mkdtempSync(join(root, "node_modules/.gen-proto-"));
  try {
    for (const path of wanted)
      await cp(join(sdk, path), join(work, "proto", path), { recursive: true });
    await cp(supplement, join(work, "proto"), { recursive: true });
    const template = {
      version: "v2",
      plugins: [
        {
          local: join(bin, "protoc-gen-es"),
          out: join(work, "out"),
          // JavaScript with declarations: generated enums are not erasable TypeScript.
          opt: ["target=js+dts", "import_extension=js"],
        },
      ],
    };
    await promisify(execFile)(
      join(bin, "buf"),
      ["generate", join(work, "proto"), "--template", JSON.stringify(template)],
      { cwd: work },
    );
    await writeFile(join(work, "out/.stamp"), inputs);
    await rm(gen, { recursive: true, force: true });
    await rename(join(work, "out"), gen);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function fingerprint(paths: readonly string[]): string {
  const hash = createHash("sha256").update(readFileSync(import.meta.filename));
  const add = (path: string): void => {
    if (statSync(path).isDirectory())
      for (const name of readdirSync(path).sort()) add(join(path, name));
    else hash.update(path.slice(root.length)).update(readFileSync(path));
  };
  for (const path of paths) if (existsSync(path)) add(path);
  return hash.digest("hex");
}

if (import.meta.main) await generateProto();
