import { describe, expect, it } from "vitest";
import { createAddressGuard } from "#core/outbound/address-guard.ts";
import { guardedFetch } from "#core/outbound/guarded-fetch.ts";

const guard = createAddressGuard({});

/** Every way to write 169.254.169.254 (and its neighbours) that a URL parser takes for it. */
const spellings: readonly string[] = [
  "169.254.169.254",
  "169.254.169.254.",
  "169.254.0.1",
  "169.254.255.255",
  "169.254.43518",
  "169.16689662",
  "2852039166",
  "0xa9fea9fe",
  "0XA9FEA9FE",
  "0xa9.0xfe.0xa9.0xfe",
  "0xa9.254.0xa9fe",
  "0251.0376.0251.0376",
  "025177524776",
  "0251.254.169.254",
  "169.0xfe.0251.254",
  "%31%36%39.254.169.254",
  "169%2e254%2e169%2e254",
  "169。254。169。254",
  "169．254．169．254",
  "１６９.２５４.１６９.２５４",
  "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
  "user@169.254.169.254",
  "example.com@169.254.169.254",
  "user:pass@169.254.169.254",
  "169.254.169.254:80",
  "[::ffff:169.254.169.254]",
  "[::ffff:a9fe:a9fe]",
  "[::FFFF:A9FE:A9FE]",
  "[0:0:0:0:0:ffff:a9fe:a9fe]",
  "[0000:0000:0000:0000:0000:ffff:a9fe:a9fe]",
  "[::169.254.169.254]",
  "[::a9fe:a9fe]",
  "[64:ff9b::169.254.169.254]",
  "[64:ff9b::a9fe:a9fe]",
  "[2002:a9fe:a9fe::]",
  "[2002:a9fe:a9fe::1]",
  "[2001:0:1:2:3:4:5601:5601]",
  "[fe80::1]",
  "[FE80::1]",
  "[fe80:0:0:0:1:2:3:4]",
  "[febf::1]",
  "[fd00:ec2::254]",
  "[fd00:0ec2:0:0:0:0:0:254]",
  "[fd20:ce::254]",
  "100.100.100.200",
  "0x646464c8",
  "168.63.129.16",
  "0xa83f8110",
  "192.0.0.192",
  "metadata.google.internal",
  "METADATA.google.INTERNAL",
  "metadata.google.internal.",
  "metadata.goog",
  "metadata",
  "instance-data",
  "instance-data.ec2.internal",
  "metadata.azure.internal",
];
const around = (host: string): readonly string[] => [
  `http://${host}/latest/meta-data/`,
  `https://${host}`,
  `HTTP://${host}/?x=1#y`,
];

describe("addresses of the link and of clouds' metadata", () => {
  it.each(spellings.flatMap(around))("%s is refused", (url) => {
    expect(guard.refuseUrl(url)).toMatch(/is refused: (?:link-local|cloud metadata)/);
  });
  it.each([
    "http://127.0.0.1:3000",
    "http://localhost",
    "http://10.0.0.1",
    "http://192.168.1.1",
    "http://[::1]",
    "http://169.253.255.255",
    "http://169.255.0.0",
    "http://100.100.100.201",
    "http://example.com",
    "http://169.254.169.254.example.com",
    "http://metadata.example.com",
    "http://[2001:db8::1]",
    "http://[fec0::1]",
    "https://168.63.129.17",
    "http://[64:ff9b::8.8.8.8]",
  ])("%s is not", (url) => {
    expect(guard.refuseUrl(url)).toBeUndefined();
  });
  it.each(["169.254.1.1", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254"])(
    "%s is refused where a name resolves to it",
    (address) => {
      expect(guard.refuseAddress(address)).toContain("is refused");
    },
  );
});

describe("configuration", () => {
  it("allows what it names, in spite of the rest", () => {
    const open = createAddressGuard({
      OUTRIGGER_ALLOWED_ADDRESSES: "169.254.169.254, fe80::/10,metadata.google.internal",
      OUTRIGGER_DENIED_ADDRESSES: "169.254.169.254",
    });
    for (const url of [
      "http://169.254.169.254",
      "http://[fe80::9]",
      "http://metadata.google.internal",
    ])
      expect(open.refuseUrl(url)).toBeUndefined();
    expect(open.refuseUrl("http://169.254.169.253")).toContain("link-local");
  });
  it("denies more than what is denied anyway", () => {
    const strict = createAddressGuard({
      OUTRIGGER_DENIED_ADDRESSES: "127.0.0.0/8,::1,10.0.0.0/8,internal.example.com",
    });
    for (const url of [
      "http://127.0.0.1",
      "http://2130706433",
      "http://[::1]",
      "http://[::ffff:10.1.2.3]",
      "http://internal.example.com./x",
    ])
      expect(strict.refuseUrl(url)).toContain("denied by configuration");
    expect(strict.refuseUrl("http://11.0.0.1")).toBeUndefined();
  });
  it.each(["not an address", "10.0.0.0/99", "http://x"])("%j is refused with its name", (text) => {
    expect(() => createAddressGuard({ OUTRIGGER_DENIED_ADDRESSES: text })).toThrow(
      "OUTRIGGER_DENIED_ADDRESSES has",
    );
  });
});

describe("a guarded fetch", () => {
  const redirecting = (location: string, status = 302): typeof fetch =>
    guardedFetch(async (input, init) => {
      const url = input as string;
      if (init?.redirect !== "manual") throw new Error("would follow by itself");
      if (url === "http://start/") return new Response(null, { status, headers: { location } });
      return new Response(
        JSON.stringify({
          url,
          method: init.method ?? "GET",
          headers: [...new Headers(init.headers)],
        }),
      );
    }, guard);
  it("refuses before anything is sent", async () => {
    let sent = 0;
    const guarded = guardedFetch(async () => (sent++, new Response()), guard);
    await expect(guarded("http://169.254.169.254/")).rejects.toThrow("link-local");
    await expect(guarded(new URL("http://[fe80::1]/"))).rejects.toThrow("link-local");
    await expect(guarded(new Request("http://0xa9fea9fe/"))).rejects.toThrow("link-local");
    expect(sent).toBe(0);
  });
  it.each(["http://169.254.169.254/", "//0xa9fea9fe/x", "http://metadata.google.internal/"])(
    "does not follow to %s",
    async (location) => {
      await expect(redirecting(location)("http://start/")).rejects.toThrow("is refused");
    },
  );
  it("follows elsewhere as fetch does, without what was secret", async () => {
    const answer = await redirecting("http://end/x")("http://start/", {
      method: "POST",
      body: "x",
      headers: { authorization: "secret", "x-kept": "1", "content-type": "text/plain" },
    });
    expect(await answer.json()).toEqual({
      url: "http://end/x",
      method: "GET",
      headers: [["x-kept", "1"]],
    });
    const kept = await redirecting("/y", 307)("http://start/", { method: "POST", body: "x" });
    expect(await kept.json()).toMatchObject({ url: "http://start/y", method: "POST" });
  });
});
