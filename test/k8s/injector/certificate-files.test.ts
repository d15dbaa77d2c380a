import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { certificateFiles } from "#k8s/injector/certificate-files.ts";
import type { KeyPair } from "#k8s/injector/certificate-state.ts";
import { makeAuthority, makeServing } from "#k8s/injector/make-certificates.ts";
import { eventually } from "#test/support/eventually.ts";
import { keptLog } from "#test/support/kept-log.ts";

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "outrigger-certificates-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}
const issuer = await makeAuthority(Date.now(), 3_600_000);
const pair = (lifeMs = 3_600_000): Promise<KeyPair> =>
  makeServing(issuer, ["localhost"], Date.now(), lifeMs);
/** As the kubelet does: a folder a version, and a link that is moved. */
async function mount(
  folder: string,
  version: string,
  { certificate, privateKey }: KeyPair,
): Promise<void> {
  const data = join(folder, version);
  await mkdir(data);
  await writeFile(join(data, "tls.crt"), certificate);
  await writeFile(join(data, "tls.key"), privateKey);
  await symlink(version, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
}
function watch(folder: string) {
  const log = keptLog();
  const source = certificateFiles({ folder, log, checkMs: 20 });
  onTestFinished(() => source[Symbol.asyncDispose]());
  return { source, log };
}

describe("certificates of somebody else", () => {
  it("are read, and again when they change", async () => {
    const folder = await temporaryFolder();
    const [first, second] = [await pair(), await pair()];
    await mount(folder, "1", first);
    const { source } = watch(join(folder, "..data"));
    const seen: string[] = [];
    source.onChange(({ certificate }) => seen.push(certificate));
    await eventually(() => source.problem() === undefined);
    await mount(folder, "2", second);
    await eventually(() => seen.length === 2);
    expect(seen).toEqual([first.certificate, second.certificate]);
    expect(source.current()).toEqual(second);
  });

  it("are waited for where there are none", async () => {
    const folder = await temporaryFolder();
    const { source, log } = watch(join(folder, "..data"));
    await eventually(() => source.problem()?.includes("tls.crt"));
    await mount(folder, "1", await pair());
    await eventually(() => source.problem() === undefined);
    expect(log.of("warn").length).toBe(1);
  });

  it.each<[what: string, spoil: (of: KeyPair, other: KeyPair) => KeyPair, text: string]>([
    [
      "a key of another certificate",
      (of, { privateKey }) => ({ ...of, privateKey }),
      "the key is not the certificate's",
    ],
    ["an empty key", (of) => ({ ...of, privateKey: "" }), "cannot be used"],
    ["no certificate", (of) => ({ ...of, certificate: "hello" }), "cannot be used"],
    ["something endless", (of) => ({ ...of, certificate: "x".repeat(300_000) }), "larger than"],
  ])("stay what they were beside %s", async (_what, spoil, text) => {
    const folder = await temporaryFolder();
    const [first, second] = [await pair(), await pair()];
    await mount(folder, "1", first);
    const { source, log } = watch(join(folder, "..data"));
    await eventually(() => source.problem() === undefined);
    await mount(folder, "2", spoil(second, first));
    await eventually(() => log.of("warn").some((line) => line.includes(text)), { what: text });
    expect(source.current()).toEqual(first);
    expect(source.problem()).toBeUndefined();
    await mount(folder, "3", second);
    await eventually(() => source.current()?.certificate === second.certificate);
  });

  it("that have expired are an error in the log, and unready", async () => {
    const folder = await temporaryFolder();
    await mount(folder, "1", await pair(1500));
    const { source, log } = watch(join(folder, "..data"));
    await eventually(() => source.problem() === undefined);
    await eventually(() => source.problem()?.includes("has expired on"));
    await eventually(() => log.of("error").length > 0);
    await mount(folder, "2", await pair());
    await eventually(() => source.problem() === undefined);
  });
});
