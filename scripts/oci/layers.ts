/** What images are made of. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { TarEntry } from "./tar.ts";

const root = join(import.meta.dirname, "../..");
/** Whom the runtime runs as. */
export const user = { id: 65_532, name: "outrigger" } as const;
const authorities = "/etc/ssl/certs/ca-certificates.crt";

/**
 * Node, the shared libraries that it loads, and the few files that C's library looks for. Certificate authorities
 * come along where this machine has them; Node itself brings its own, and reads these with `--use-openssl-ca`.
 */
export function nodeLayer(): readonly TarEntry[] {
  const node = join(root, "node_modules/node/bin/node");
  if (!existsSync(node))
    throw new Error(
      'No Node to put into the image: "node_modules/node/bin/node" is missing, run "npm ci"',
    );
  return [
    { path: "usr/bin/node", content: { file: node }, mode: 0o755 },
    ...libraries(node).map((path) => ({
      path: path.slice(1),
      content: { file: realpathSync(path) },
      mode: 0o755,
    })),
    {
      path: "etc/passwd",
      content: {
        text: `root:x:0:0:root:/:/sbin/nologin\n${user.name}:x:${user.id}:${user.id}::/:/sbin/nologin\n`,
      },
    },
    { path: "etc/group", content: { text: `root:x:0:\n${user.name}:x:${user.id}:\n` } },
    { path: "etc/nsswitch.conf", content: { text: "hosts: files dns\n" } },
    { path: "tmp", content: { folder: true }, mode: 0o1777 },
    ...(existsSync(authorities)
      ? [{ path: authorities.slice(1), content: { file: realpathSync(authorities) } }]
      : []),
  ];
}

/**
 * The bundle of dist/node with what starts it, in /outrigger. Source maps, three quarters of it, stay behind, and so
 * does the folder in which V8's code of earlier starts is kept: it belongs to this machine.
 */
export function runtimeLayer(): readonly TarEntry[] {
  const dist = join(root, "dist/node");
  if (!existsSync(join(dist, "main.js")))
    throw new Error('No bundle to put into the image: run "npm run build" first');
  const put = (path: string): TarEntry => ({
    path: `outrigger/${path}`,
    content: { file: join(root, path) },
  });
  return [
    put("bin/outrigger.mjs"),
    put("package.json"),
    put("LICENSE"),
    ...readdirSync(dist, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".map"))
      .map(({ name }) => put(`dist/node/${name}`)),
  ];
}
/** Arguments of a container are then commands of Outrigger. */
export const runtimeEntrypoint: readonly string[] = [
  "/usr/bin/node",
  "/outrigger/bin/outrigger.mjs",
];

/** Absolute paths, as the loader finds them, the loader itself included. */
function libraries(program: string): readonly string[] {
  const listed = execFileSync("ldd", [program], { encoding: "utf8" });
  if (listed.includes("not found"))
    throw new Error(`A library of "${program}" is missing:\n${listed}`);
  return [...new Set([...listed.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map((match) => match[1] ?? ""))];
}
