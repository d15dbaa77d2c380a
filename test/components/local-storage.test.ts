import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { output } from "#components/local-storage/manifest.ts";
import type { BindingData, OutputBinding } from "#core/ports/bindings.ts";
import { outputBindingContract } from "#test/contracts/output-binding.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
const decoder = new TextDecoder();
const file = (fileName: string, data?: string): BindingData =>
  data === undefined ? { metadata: { fileName } } : { data, metadata: { fileName } };
const textOf = (answer: BindingData | undefined): string =>
  typeof answer?.data === "string" ? answer.data : decoder.decode(answer?.data);

describe("bindings.localstorage", () => {
  outputBindingContract({
    open: () => openComponent(output, { rootPath: temporaryFile("files") }),
    works: { operation: "create", request: file("contract.txt", '"hello there"'), answers: true },
    fails: { operation: "get", request: file("no-such-file") },
  });
});

describe("bindings.localstorage", () => {
  let root: string;
  let outside: string;
  let binding: OutputBinding;
  beforeEach(async () => {
    root = temporaryFile("files");
    outside = temporaryFile("outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "secret");
    binding = await openComponent(output, { rootPath: root });
  });
  const invoke = (operation: string, request: BindingData): Promise<BindingData | undefined> =>
    binding.invoke(operation, request, options);

  it("create keeps a file and names it, below directories that it makes; get gives it back", async () => {
    expect(textOf(await invoke("create", file("a/b.txt", '"hello there"')))).toBe(
      '{"fileName":"a/b.txt"}',
    );
    expect(readFileSync(join(root, "a/b.txt"), "utf8")).toBe("hello there");
    expect(textOf(await invoke("get", file("a/b.txt")))).toBe("hello there");
    await invoke("create", file("a/b.txt", '"again, shorter"'));
    expect(textOf(await invoke("get", file("a/b.txt")))).toBe("again, shorter");
    expect(readdirSync(join(root, "a"))).toEqual(["b.txt"]);
  });
  it.each([
    ["an object as its JSON", '{"a":1}', '{"a":1}'],
    ["escapes of Go's encoder", '"\\u003ca\\u003e\\u0026"', "<a>&"],
    ["base64 decoded", '"aGVsbG8="', "hello"],
    ["what only looks like base64 too", '"abcd"', decoder.decode(Buffer.from("abcd", "base64"))],
    ["nothing as an empty file", "null", ""],
  ])("create keeps %s", async (_, data, expected) => {
    await invoke("create", file("f", data));
    expect(textOf(await invoke("get", file("f")))).toBe(expected);
  });
  it("create makes up a name where none is given", async () => {
    const answer = textOf(await invoke("create", { data: '"x y"', metadata: {} }));
    const { fileName } = JSON.parse(answer) as { fileName: string };
    expect(fileName).toMatch(/^[0-9a-f-]{36}$/);
    expect(readFileSync(join(root, fileName), "utf8")).toBe("x y");
  });
  it("list names every file below, in order; delete removes one and answers nothing", async () => {
    expect(textOf(await invoke("list", { metadata: {} }))).toBe("[]");
    for (const name of ["b", "a/2", "a/1"]) await invoke("create", file(name, "1.5"));
    expect(JSON.parse(textOf(await invoke("list", { metadata: {} })))).toEqual(
      ["a/1", "a/2", "b"].map((name) => join(root, name)),
    );
    expect(JSON.parse(textOf(await invoke("list", file("a"))))).toHaveLength(2);
    expect(await invoke("delete", file("a/1"))).toBeUndefined();
    await expect(invoke("get", file("a/1"))).rejects.toThrow(
      `file not found: ${join(root, "a/1")}`,
    );
    await expect(invoke("delete", file("a/1"))).rejects.toThrow("error deleting file");
    await expect(invoke("list", file("b"))).rejects.toThrow("not a directory");
  });
  it.each(["create", "get", "delete", "list"])(
    "%s refuses paths that leave the root by links",
    async (operation) => {
      symlinkSync(outside, join(root, "link"));
      symlinkSync(join(outside, "secret"), join(root, "direct"));
      for (const name of [
        "link",
        "../link/secret",
        "link/secret",
        "link/new/file",
        "direct",
        "a\0b",
      ])
        await expect(invoke(operation, file(name, '"x y"'))).rejects.toThrow(
          `for file ${name}: it is outside rootPath`,
        );
      expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
      expect(existsSync(join(outside, "new"))).toBe(false);
    },
  );
  it("takes the root for the top: dots lead no further up", async () => {
    for (const name of ["../up", "a/../../b", `../../../../../../..${outside}/secret`]) {
      await invoke("create", file(name, '"x y"'));
      expect(textOf(await invoke("get", file(name)))).toBe("x y");
    }
    const files = JSON.parse(textOf(await invoke("list", file("/..")))) as string[];
    expect(files).toEqual(
      [join(root, "b"), join(root, outside, "secret"), join(root, "up")].sort(),
    );
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
  });
  it("create does not write through a dangling link", async () => {
    symlinkSync(join(outside, "not-there"), join(root, "dangling"));
    symlinkSync(join(outside, "no-dir"), join(root, "dir"));
    await invoke("create", file("dangling", '"x y"'));
    await expect(invoke("create", file("dir/f", '"x y"'))).rejects.toThrow("error writing to file");
    expect(readdirSync(outside)).toEqual(["secret"]);
  });
  it("takes an absolute name as one below the root, and links inside the root as what they lead to", async () => {
    await invoke("create", file("/etc/passwd", '"mine, all mine"'));
    expect(readFileSync(join(root, "etc/passwd"), "utf8")).toBe("mine, all mine");
    symlinkSync(join(root, "etc"), join(root, "inner"));
    expect(textOf(await invoke("get", file("inner/passwd")))).toBe("mine, all mine");
  });
  it("get refuses directories and files that are too large to be held", async () => {
    await expect(invoke("get", file("."))).rejects.toThrow("not a regular file");
    await expect(invoke("get", { metadata: {} })).rejects.toThrow("fileName is missing");
    writeFileSync(join(root, "large"), "");
    truncateSync(join(root, "large"), 101 * 1024 * 1024);
    await expect(invoke("get", file("large"))).rejects.toThrow("larger than");
  });
  it.each([
    ["/proc/self", /disallowed location/],
    ["/var/run/secrets/x", /disallowed location/],
    ["/etc/outrigger", /disallowed location/],
    ["/", /disallowed location/],
    ["", /rootPath/],
  ])("does not start with the root %j", async (rootPath, why) => {
    await expect(openComponent(output, { rootPath })).rejects.toThrow(why);
  });
  it("does not start where the root is a file, or a link to a refused place", async () => {
    const path = temporaryFile("file");
    writeFileSync(path, "");
    await expect(openComponent(output, { rootPath: path })).rejects.toThrow(
      "file and not a directory",
    );
    const link = temporaryFile("link");
    symlinkSync("/proc", link);
    await expect(openComponent(output, { rootPath: join(link, "x") })).rejects.toThrow(
      "disallowed location",
    );
  });
});
