import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { createLog, type Level } from "#targets/node/log.ts";
import { logFatal } from "#targets/cli/cli-log.ts";

function linesOf(options: { json?: boolean; level?: Level; appId?: string } = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    json: false,
    version: "edge",
    write: (line) => void lines.push(line),
    ...options,
  });
  return { log, lines };
}

describe("log lines", () => {
  test("text has Dapr's fields in Dapr's order", () => {
    const { log, lines } = linesOf({ appId: "orders" });
    log.info("It is up", { scope: "dapr.runtime.http", code: 200 });
    expect(lines[0]).toMatch(
      new RegExp(
        `^time="[^"]+" level=info msg="It is up" app_id=orders instance=${hostname()} scope=dapr\\.runtime\\.http type=log ver=edge code=200$`,
      ),
    );
  });
  test("on a terminal nothing that a caller sent acts on it or looks like a line", () => {
    const lines: string[] = [];
    const log = createLog({
      level: "info",
      json: false,
      terminal: { colour: false },
      version: "edge",
      write: (line) => void lines.push(line),
    });
    log.info("a\u001B[2Jb\r\u009b\u2028\n12:00:00 ERROR fake", { app_id: "x", topic: "\u001B[1m" });
    expect(lines[0]?.replace(/^\d\d:\d\d:\d\d /, "")).toBe(
      'INFO  a\\u001b[2Jb\\u000d\\u009b\\u2028\n               12:00:00 ERROR fake  app_id=x topic="\\u001b[1m"',
    );
  });
  test("JSON has the same", () => {
    const { log, lines } = linesOf({ json: true });
    log.warn("Careful", { app_id: "cart" });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/) as string,
      level: "warning",
      msg: "Careful",
      app_id: "cart",
      instance: hostname(),
      scope: "dapr.runtime",
      type: "log",
      ver: "edge",
    });
  });
  test("a time is RFC 3339 with nine digits, near now, and never goes back", () => {
    const { log, lines } = linesOf({ json: true });
    for (let i = 0; i < 50; i++) log.info("x");
    const times = lines.map((line) => (JSON.parse(line) as { time: string }).time);
    expect(times).toEqual([...times].sort());
    expect(Math.abs(Date.parse(times[0] ?? "") - Date.now())).toBeLessThan(5000);
  });
  for (const [level, written] of [
    ["debug", ["debug", "info", "warning", "error", "fatal"]],
    ["warning", ["warning", "error", "fatal"]],
    ["fatal", ["fatal"]],
  ] as const)
    test(`level ${level} writes ${written.join(", ")}`, () => {
      const { log, lines } = linesOf({ json: true, level });
      log.debug("a");
      log.info("b");
      log.warn("c");
      log.error("d");
      logFatal(log, new Error("no port"));
      expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(written);
    });
  for (const [what, value] of [
    ["a new line", "a\nlevel=fatal msg=forged"],
    ["quotes", 'a" level=fatal msg="forged'],
    ["a terminal's escapes", "a\u001b[2J\u009b31m"],
    ["line separators of other readers", "a\u2028b\u0085c"],
  ] as const)
    for (const json of [false, true])
      test(`${what} in ${json ? "JSON" : "text"} make no second line and no field`, () => {
        const { log, lines } = linesOf({ json });
        log.info(value, { method: value });
        expect(lines).toHaveLength(1);
        // oxlint-disable-next-line no-control-regex -- control characters are what this is about
        expect(lines[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        if (json) expect((JSON.parse(lines[0] ?? "") as { method: string }).method).toBe(value);
        else expect(lines[0]).toMatch(/^time="[^"]+" level=info msg="(?:[^"\\]|\\.)*" instance=/);
      });
});
