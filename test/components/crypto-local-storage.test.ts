import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { keys } from "#components/crypto-local-storage/manifest.ts";
import { cryptoProviderContract } from "#test/contracts/crypto-provider.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
const outside = temporaryFile("outside");
writeFileSync(outside, randomBytes(32));
const path = dirname(temporaryFile("keys"));
const file = (name: string, content: string | Uint8Array): void =>
  writeFileSync(join(path, name), content);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
file("secret", randomBytes(32));
file("rsa.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
const open = () => openComponent(keys, { path });
const wrap = async (key: string): Promise<unknown> => {
  const provider = await open();
  return provider.wrapKey(randomBytes(32), { key, algorithm: "A256KW" }, options);
};

describe("crypto.dapr.localstorage", () => {
  cryptoProviderContract({ open, secret: "secret", rsa: "rsa.pem" });

  it("goes by a file's ending, and reads it anew each time", async () => {
    file("a.JSON", JSON.stringify({ kty: "oct", k: randomBytes(32).toString("base64url") }));
    await wrap("a.JSON");
    file("a.JSON", "no JSON");
    await expect(wrap("a.JSON")).rejects.toThrow(
      "failed to parse key from secret: the JWK is not valid JSON",
    );
    file("b.pem", randomBytes(32));
    await expect(wrap("b.pem")).rejects.toThrow("failed to parse key from secret: no PEM block");
    file("empty", "");
    await expect(wrap("empty")).rejects.toThrow("failed to parse key from secret: key is empty");
  });
  it("takes keys of folders below, and links that stay inside, as Kubernetes makes them", async () => {
    mkdirSync(join(path, "..2026_01_01"), { recursive: true });
    file("..2026_01_01/mounted", randomBytes(32));
    symlinkSync("..2026_01_01", join(path, "..data"));
    symlinkSync("..data/mounted", join(path, "mounted"));
    mkdirSync(join(path, "folder"));
    file("folder/key", randomBytes(32));
    await wrap("mounted");
    await wrap("folder/key");
  });
  it("lets no name and no link lead out", async () => {
    symlinkSync(outside, join(path, "link"));
    symlinkSync(dirname(outside), join(path, "linked"));
    const why = "failed to retrieve the key encryption key: ";
    for (const name of ["link", "linked/outside", outside, "/", ".", "/etc/passwd"])
      await expect(wrap(name)).rejects.toThrow(`${why}failed to load key '${name}'`);
    for (const name of ["../x", "folder/../secret", "..data/mounted"])
      await expect(wrap(name)).rejects.toThrow(`${why}invalid key path: cannot contain '..'`);
  });
  it("says nothing of where its folder is", async () => {
    await expect(wrap("none")).rejects.not.toThrow(path);
    await expect(wrap("none")).rejects.toThrow("failed to load key 'none': no such file");
  });
  it("reads regular files of a size that keys have, and does not wait for a pipe", async () => {
    file("large", "");
    truncateSync(join(path, "large"), 1024 * 1024 + 1);
    await expect(wrap("large")).rejects.toThrow("it is larger than");
    execFileSync("mkfifo", [join(path, "pipe")]);
    await expect(wrap("pipe")).rejects.toThrow("it is not a file");
    await expect(wrap("folder")).rejects.toThrow("it is not a file");
  });
  it("does not open without a folder", async () => {
    await expect(openComponent(keys)).rejects.toThrow("'path' is required");
    await expect(openComponent(keys, { path: `${path}/none` })).rejects.toThrow(
      "could not stat path",
    );
    await expect(openComponent(keys, { path: outside })).rejects.toThrow("is not a directory");
  });
});
