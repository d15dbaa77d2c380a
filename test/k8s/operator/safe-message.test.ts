import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { longestMessage, safeMessage } from "#k8s/operator/safe-message.ts";

describe("safeMessage", () => {
  it.each([
    ["redis://user:hunter2@redis:6379: refused", "redis://…@redis:6379: refused"],
    ["amqps://:hunter2@mq/", "amqps://…@mq/"],
    ["password=hunter2; host=db", "password=…; host=db"],
    ['{"redisPassword": "hunter2", "a": 1}', '{"redisPassword": …, "a": 1}'],
    ["AccountKey=hunter2==;EndpointSuffix=x", "AccountKey=…;EndpointSuffix=x"],
    ["SharedAccessSignature=hunter2&se=1", "SharedAccessSignature=…&se=1"],
    ["Authorization: Bearer hunter2hunter2", "Authorization: Bearer …"],
    ["token eyJhbGciOiJub25lIn0.hunter2hunter2.x is bad", "token … is bad"],
    ["api_key: 'hunter2'", "api_key: …"],
    ["-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY----- x", "… x"],
    ["-----BEGIN PRIVATE KEY-----\nhunter2 cut off", "…"],
  ])("takes credentials out of %j", (text, safe) => {
    expect(safeMessage(text)).toBe(safe);
  });
  it.each([
    "connect ECONNREFUSED 10.0.0.1:6379",
    'secret "redis" has no key "password"',
    "metadata redisPassword is missing",
    'metadata "redisHost" is missing; expected: host:port',
    "https://vault.example/v1: 403 at https://other.example/@x",
  ])("leaves %j as it is", (text) => {
    expect(safeMessage(text)).toBe(text);
  });
  it("takes given values out in every form that they are likely to have", () => {
    const secret = 'p"ä/ss w\\ö';
    const forms = [
      secret,
      JSON.stringify(secret),
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64"),
    ];
    const safe = safeMessage(`it was ${forms.join(" and ")}`, [secret, "it"]);
    expect(safe).toBe('it was … and "…" and … and …');
  });
  it("leaves no rest of a value that holds another", () => {
    expect(safeMessage("hunter2hunter2", ["hunter2", "hunter2hunter2"])).toBe("…");
  });
  it("is one line, whatever it was made of", () => {
    expect(safeMessage("a\r\n\tb\u001b[31mc\u2028d\u0000")).toBe("a b [31mc d");
  });
  it("is of at most 1024 characters, none of them half", () => {
    const safe = safeMessage("😀".repeat(600));
    expect(safe.length).toBeLessThanOrEqual(longestMessage);
    expect(safe.isWellFormed()).toBe(true);
    expect(safe.endsWith("…")).toBe(true);
    expect(safeMessage("x".repeat(longestMessage))).toHaveLength(longestMessage);
  });
  it("never lets a value through that stands whole in a text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: "grapheme", minLength: 6, maxLength: 40 }),
        fc.string({ unit: "grapheme" }),
        (before, secret, after) => {
          fc.pre(secret.trim().length >= 4 && !secret.includes("…"));
          const safe = safeMessage(`${before}${secret}${after}`, [secret]);
          expect(safe.includes(secret) && !`${before}…${after}`.includes(secret)).toBe(false);
        },
      ),
    );
  });
  it.each([
    ["colons and ats", `://${"a:".repeat(200_000)}`],
    ["names", "password".repeat(100_000)],
    ["begins of keys", "-----BEGIN A-----".repeat(20_000)],
    ["JWTs", "eyJaaaaaaaa.".repeat(50_000)],
  ])("takes no long time for %s without end", (_, text) => {
    const from = performance.now();
    safeMessage(text);
    expect(performance.now() - from).toBeLessThan(2000);
  });
});
