import { truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { secrets } from "#components/local-file/manifest.ts";
import { noMetadata } from "#core/ports/component.ts";
import { secretStoreContract } from "#test/contracts/secret-store.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
function fileOf(content: string): string {
  const path = temporaryFile("secrets.json");
  writeFileSync(path, content);
  return path;
}
const content =
  '{"plain":"a","number":12345678901234567890,"yes":true,"none":null,"db":{"user":"u","ports":[1,{"x":"y"}]}}';

describe("secretstores.local.file", () => {
  secretStoreContract({
    open: () => openComponent(secrets, { secretsFile: fileOf(content) }),
    secrets: {
      plain: { plain: "a" },
      number: { number: "12345678901234567890" },
      yes: { yes: "true" },
      none: { none: "" },
      "db:user": { "db:user": "u" },
      "db:ports:0": { "db:ports:0": "1" },
      "db:ports:1:x": { "db:ports:1:x": "y" },
    },
    missing: "failure",
  });
});
describe("secretstores.local.file with multiValued and a separator", () => {
  secretStoreContract({
    open: () =>
      openComponent(secrets, {
        secretsFile: fileOf(content),
        multiValued: "true",
        nestedSeparator: ".",
      }),
    secrets: { plain: { plain: "a" }, db: { user: "u", "ports.0": "1", "ports.1.x": "y" } },
    missing: "failure",
  });
  it("reports the capability", async () => {
    const store = await openComponent(secrets, { secretsFile: fileOf("{}"), multiValued: "true" });
    expect(store).toHaveProperty("features", ["MULTIPLE_KEY_VALUES_PER_SECRET"]);
  });
});
describe("secretstores.local.file, opening", () => {
  it("reads the file once", async () => {
    const path = fileOf('{"a":"1"}');
    const store = await openComponent(secrets, { secretsFile: path });
    writeFileSync(path, '{"a":"2"}');
    expect(await store.get("a", noMetadata, options)).toEqual({ a: "1" });
  });
  it.each([
    ["no file", () => ({ secretsFile: "/no/such/file.json" }), /no such file/],
    ["no setting", () => ({}), /secretsFile/],
    ["a list", () => ({ secretsFile: fileOf("[1]") }), /must hold a JSON object, not array/],
    ["a directory", () => ({ secretsFile: "/tmp" }), /Cannot read/],
    ["a long number", () => ({ secretsFile: fileOf("12345678901234567890") }), /not number/],
    ["nesting without end", () => ({ secretsFile: fileOf('{"a":'.repeat(100_000)) }), /JSON|stack/],
  ])("refuses %s", async (_, metadata, why) => {
    await expect(openComponent(secrets, metadata())).rejects.toThrow(why);
  });
  it("refuses what is not valid JSON, without a word of it", async () => {
    const opening = openComponent(secrets, { secretsFile: fileOf('{"password": hunter2}') });
    await expect(opening).rejects.toThrow("invalid character 'h' looking for beginning of value");
    await expect(opening).rejects.not.toThrow("hunter2");
  });
  it("refuses a file of more than 16 MiB", async () => {
    const path = fileOf("{}");
    truncateSync(path, 16 * 1024 * 1024 + 1);
    await expect(openComponent(secrets, { secretsFile: path })).rejects.toThrow(
      "larger than 16777216 bytes",
    );
  });
});
