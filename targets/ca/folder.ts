import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Authority,
  type AuthorityStore,
  checked,
  names,
  newAuthority,
  nextStep,
  type Phase,
} from "./authority.ts";

/** The credentials of an authority in a folder, as `dapr mtls` writes them. */
export function folderStore(folder: string, trustDomain: string): AuthorityStore {
  return {
    anchorsAt: join(folder, names.anchors),
    open: () => openFolder(folder, trustDomain),
    rotate: () => rotateRoot(folder, trustDomain),
  };
}

/** Reads the folder; makes a root and an issuer where it has none. Throws with the file that is wrong. */
export async function openFolder(folder: string, trustDomain: string): Promise<Authority> {
  const { anchors, issuer } = (await load(folder)) ?? (await make(folder, trustDomain));
  return checked({ anchors, issuer });
}

/** Takes the next step to a new root. What an interruption leaves, running it again completes. */
export async function rotateRoot(folder: string, trustDomain: string): Promise<Phase> {
  const now = (await load(folder)) ?? (await make(folder, trustDomain));
  const { phase, authority } = await nextStep(now, trustDomain);
  const { anchors, issuer, next } = authority;
  switch (phase) {
    case "announced":
      await put(folder, names.nextKey, next?.privateKey ?? "");
      await put(folder, names.nextCertificate, next?.certificate ?? "");
      await put(folder, names.anchors, anchors);
      break;
    case "switched":
      await put(folder, names.privateKey, issuer.privateKey);
      await put(folder, names.certificate, issuer.certificate);
      await rm(join(folder, names.nextCertificate));
      await rm(join(folder, names.nextKey));
      break;
    case "finished":
      await put(folder, names.anchors, anchors);
  }
  return phase;
}

async function make(folder: string, trustDomain: string): Promise<Authority> {
  const made = await newAuthority(trustDomain);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await put(folder, names.privateKey, made.issuer.privateKey);
  await put(folder, names.certificate, made.issuer.certificate);
  await put(folder, names.anchors, made.anchors);
  return made;
}

/** As the files stand, unchecked; `undefined` where there are none. */
async function load(folder: string): Promise<Authority | undefined> {
  const files = await Promise.all(Object.values(names).map((name) => read(join(folder, name))));
  const [anchors, certificate, privateKey, nextCertificate, nextKey] = files;
  const own = {
    [names.anchors]: anchors,
    [names.certificate]: certificate,
    [names.privateKey]: privateKey,
  };
  if (Object.values(own).every((text) => text === undefined)) return undefined;
  for (const [name, text] of Object.entries(own))
    if (text === undefined)
      throw new Error(`Cannot read ${join(folder, name)}: there is no such file`);
  return {
    anchors: anchors ?? "",
    issuer: { certificate: certificate ?? "", privateKey: privateKey ?? "" },
    ...(nextCertificate !== undefined && nextKey !== undefined
      ? { next: { certificate: nextCertificate, privateKey: nextKey } }
      : {}),
  };
}

/** `undefined` for a file that is not there. */
async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`Cannot read ${path}: ${(reason as Error).message}`, { cause: reason });
  }
}

/** Whole or not at all, and for nobody else to read. */
async function put(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path).catch(async (reason: unknown) => {
    await rm(`${path}.new`, { force: true });
    throw reason;
  });
}
