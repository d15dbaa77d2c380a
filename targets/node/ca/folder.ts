import { X509Certificate } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRoot, type Credentials } from "./certificates.ts";

/** What a certificate authority keeps, by Dapr's names: `ca.crt` (trusted roots), `issuer.crt`, `issuer.key`. */
export interface Authority {
  /** All roots that are trusted now; PEM. */
  readonly anchors: string;
  readonly issuer: Credentials;
}
const files = { anchors: "ca.crt", certificate: "issuer.crt", privateKey: "issuer.key" } as const;
/** The issuer of a root that everybody is still to learn of. */
const next = { certificate: "next-issuer.crt", privateKey: "next-issuer.key" } as const;

/** Reads the folder; makes a root and an issuer where it has none. Throws with the file that is wrong. */
export async function openFolder(folder: string, trustDomain: string): Promise<Authority> {
  const found = await Promise.all(Object.values(files).map((name) => exists(join(folder, name))));
  if (found.every((is) => !is)) {
    const { root, issuer } = await createRoot(trustDomain, Date.now());
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await put(folder, files.privateKey, issuer.privateKey);
    await put(folder, files.certificate, issuer.certificate);
    await put(folder, files.anchors, root);
  }
  const read = async (name: string): Promise<string> => {
    try {
      return await readFile(join(folder, name), "utf8");
    } catch (reason) {
      throw new Error(`Cannot read ${join(folder, name)}: ${(reason as Error).message}`, {
        cause: reason,
      });
    }
  };
  const [anchors = "", certificate = "", privateKey = ""] = await Promise.all(
    Object.values(files).map(read),
  );
  const issuer = certificateOf(certificate, files.certificate);
  if (
    !splitPem(anchors).some((root) => issuer.verify(certificateOf(root, files.anchors).publicKey))
  )
    throw new Error(`${files.certificate} is not signed by a root of ${files.anchors}`);
  return { anchors, issuer: { certificate, privateKey } };
}

export type Phase = "announced" | "switched" | "finished";

/** Takes the next step to a new root: first everybody learns to trust it, then it issues, then the old one goes. */
export async function rotateRoot(folder: string, trustDomain: string): Promise<Phase> {
  const { anchors } = await openFolder(folder, trustDomain);
  const roots = splitPem(anchors);
  if (await exists(join(folder, next.certificate))) {
    await rename(join(folder, next.privateKey), join(folder, files.privateKey));
    await rename(join(folder, next.certificate), join(folder, files.certificate));
    return "switched";
  }
  if (roots.length > 1) {
    await put(folder, files.anchors, `${roots.at(-1)}\n`);
    return "finished";
  }
  const { root, issuer } = await createRoot(trustDomain, Date.now());
  await put(folder, next.privateKey, issuer.privateKey);
  await put(folder, next.certificate, issuer.certificate);
  await put(folder, files.anchors, `${anchors.trim()}\n${root}\n`);
  return "announced";
}

/** The certificates of a PEM text. */
export function splitPem(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
function certificateOf(pem: string, name: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (reason) {
    throw new Error(`${name} is not a certificate`, { cause: reason });
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
async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
