/** The image as a file: what is in it, and that it can be made again. No cluster, no Docker. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildRuntimeImage } from "../../scripts/image.ts";
import { fullName, writeImage } from "../../scripts/oci/image.ts";
import { writeTar } from "../../scripts/oci/tar.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-image-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string): string => join(folder, name);
const hash = (file: string): string =>
  createHash("sha256").update(readFileSync(file)).digest("hex");

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Index {
  readonly manifests: readonly Descriptor[];
}
interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}
interface Config {
  readonly config: { readonly User: string; readonly Entrypoint: readonly string[] };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}
/** Unpacks an archive with the system's tar, and checks every blob against its name. */
function unpack(archive: string): {
  readonly index: Index;
  blob(digest: string): string;
  json<T>(digest: string): T;
} {
  const to = mkdtempSync(inFolder("unpacked-"));
  execFileSync("tar", ["-xf", archive, "-C", to]);
  const blobs = join(to, "blobs/sha256");
  for (const name of readdirSync(blobs)) expect(hash(join(blobs, name))).toBe(name);
  const blob = (digest: string): string => join(blobs, digest.replace("sha256:", ""));
  return {
    index: JSON.parse(readFileSync(join(to, "index.json"), "utf8")) as Index,
    blob,
    json: <T>(digest: string) => JSON.parse(readFileSync(blob(digest), "utf8")) as T,
  };
}
const listed = (tar: string): readonly string[] =>
  execFileSync("tar", ["-tf", tar]).toString().trim().split("\n");

describe("The runtime's image", () => {
  it("has Node, the bundle and what starts it, and runs as nobody in particular", async () => {
    const { file, names, digest } = await buildRuntimeImage({ target: inFolder("one.tar") });
    expect(names).toEqual([expect.stringMatching(/^localhost\/outrigger:\d+\.\d+\.\d+$/)]);
    const { index, blob, json } = unpack(file);
    expect(index.manifests.map((manifest) => manifest.digest)).toEqual([digest]);
    expect(index.manifests[0]?.annotations?.["io.containerd.image.name"]).toBe(names[0]);
    const { config, layers } = json<Manifest>(digest);
    const { config: settings, rootfs } = json<Config>(config.digest);
    expect(settings.User).toBe("65532:65532");
    expect(settings.Entrypoint).toEqual(["/usr/bin/node", "/outrigger/bin/outrigger.mjs"]);
    expect(rootfs.diff_ids).toEqual(layers.map((layer) => layer.digest));
    const paths = layers.flatMap((layer) => listed(blob(layer.digest)));
    expect(paths).toEqual(
      expect.arrayContaining([
        "usr/bin/node",
        "outrigger/package.json",
        "outrigger/bin/outrigger.mjs",
        "outrigger/dist/node/main.js",
      ]),
    );
    expect(paths.filter((path) => path.endsWith(".map"))).toEqual([]);
    expect(paths.filter((path) => path.startsWith("outrigger/dist/node/cache"))).toEqual([]);
  });

  it("is the same, byte by byte, when it is made again", async () => {
    const one = await buildRuntimeImage({ target: inFolder("first.tar") });
    const other = await buildRuntimeImage({ target: inFolder("second.tar") });
    expect(other.digest).toBe(one.digest);
    expect(hash(other.file)).toBe(hash(one.file));
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("has every name that it is given, once its content", async () => {
    const { file, names } = await buildRuntimeImage({
      target: inFolder("named.tar"),
      names: ["registry.example:5000/team/outrigger:1.0", "outrigger:dev"],
    });
    expect(names).toEqual(["registry.example:5000/team/outrigger:1.0", "localhost/outrigger:dev"]);
    const { manifests } = unpack(file).index;
    expect(manifests.map(({ annotations }) => annotations?.["io.containerd.image.name"])).toEqual(
      names,
    );
    expect(new Set(manifests.map(({ digest }) => digest)).size).toBe(1);
  });

  it.each([
    "",
    "outrigger",
    "Outrigger:1",
    "a b:1",
    "outrigger:",
    "../x:1",
    `${"a".repeat(300)}:1`,
  ])("cannot be called %j", async (name) => {
    await expect(
      buildRuntimeImage({ target: inFolder("never.tar"), names: [name] }),
    ).rejects.toThrow("is not the name of an image");
    expect(readdirSync(folder)).not.toContain("never.tar");
  });

  it("is not made of flags that it does not know", () => {
    const script = join(import.meta.dirname, "../../scripts/image.ts");
    const ran = spawnSync(process.execPath, [script, "--nonsense"], { encoding: "utf8" });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain("'--nonsense'");
  });

  it("compressed, says of its layers what they are without", async () => {
    const target = inFolder("small.tar");
    const layer = [{ path: "a", content: { text: "a".repeat(100_000) } }];
    const image = { target, names: ["x:1"], layers: [layer], entrypoint: [], gzip: true };
    const digest = await writeImage(image);
    const { blob, json } = unpack(target);
    const { config, layers } = json<Manifest>(digest);
    expect(layers[0]?.size).toBeLessThan(2000);
    const plain = execFileSync("gzip", ["-dc", blob(layers[0]?.digest ?? "")]);
    expect(json<Config>(config.digest).rootfs.diff_ids).toEqual([
      `sha256:${createHash("sha256").update(plain).digest("hex")}`,
    ]);
  });
});

describe("A name of an image", () => {
  it.each([
    ["outrigger:1", "localhost/outrigger:1"],
    ["team/outrigger:1", "localhost/team/outrigger:1"],
    ["localhost/outrigger:1", "localhost/outrigger:1"],
    ["registry:5000/outrigger:1", "registry:5000/outrigger:1"],
    ["outrigger.test/a/b_c:1.0-x", "outrigger.test/a/b_c:1.0-x"],
  ])("%s is %s to a node", (given, wanted) => {
    expect(fullName(given)).toBe(wanted);
  });
});

describe("A tar archive", () => {
  it("keeps content, modes and links, in the order of names, with the folders on the way", () => {
    writeFileSync(inFolder("source"), Buffer.alloc(700, "x"));
    writeTar(inFolder("a.tar"), [
      { path: "z/link", content: { link: "../a/b/file" } },
      { path: "a/b/file", content: { file: inFolder("source") }, mode: 0o755 },
      { path: `long/${"d".repeat(90)}/${"f".repeat(90)}`, content: { text: "deep" } },
      { path: "tmp", content: { folder: true }, mode: 0o1777 },
    ]);
    const lines = execFileSync("tar", ["-tvf", inFolder("a.tar")], { env: { TZ: "UTC" } })
      .toString()
      .trim()
      .split("\n")
      .map((line) => line.replace(/ +/g, " "));
    const times = "1970-01-01 00:00";
    expect(lines).toEqual([
      `drwxr-xr-x 0/0 0 ${times} a/`,
      `drwxr-xr-x 0/0 0 ${times} a/b/`,
      `-rwxr-xr-x 0/0 700 ${times} a/b/file`,
      `drwxr-xr-x 0/0 0 ${times} long/`,
      `drwxr-xr-x 0/0 0 ${times} long/${"d".repeat(90)}/`,
      `-rw-r--r-- 0/0 4 ${times} long/${"d".repeat(90)}/${"f".repeat(90)}`,
      `drwxrwxrwt 0/0 0 ${times} tmp/`,
      `drwxr-xr-x 0/0 0 ${times} z/`,
      `lrwxrwxrwx 0/0 0 ${times} z/link -> ../a/b/file`,
    ]);
  });

  it("refuses what the format cannot hold", () => {
    const text = { text: "" };
    expect(() => writeTar(inFolder("b.tar"), [{ path: "x".repeat(101), content: text }])).toThrow(
      "too long",
    );
    expect(() =>
      writeTar(inFolder("b.tar"), [{ path: "l", content: { link: "x".repeat(101) } }]),
    ).toThrow("too long");
    expect(() =>
      writeTar(inFolder("b.tar"), [
        { path: "a", content: text },
        { path: "a", content: text },
      ]),
    ).toThrow('Two entries "a"');
  });
});
