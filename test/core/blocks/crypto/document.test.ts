import { createHmac, hkdfSync, createCipheriv } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decrypt } from "#core/blocks/crypto/document/decrypt.ts";
import { encrypt } from "#core/blocks/crypto/document/encrypt.ts";
import { type Cipher, ciphers } from "#core/blocks/crypto/document/scheme.ts";
import { bytesOfAll, chunksOf, sample } from "./support.ts";

const segment = 65_536;
/** Stands for a vault: what it wraps is the key itself, turned round. */
const turned = async (key: Uint8Array): Promise<Uint8Array> => new Uint8Array(key).reverse();
const decoder = new TextDecoder("latin1");

async function documentOf(
  plaintext: Uint8Array,
  cipher: Cipher = "AES-GCM",
  keyName = "k",
): Promise<Uint8Array> {
  return bytesOfAll(
    await encrypt(chunksOf(plaintext, 10_000), {
      keyName,
      algorithm: "A256KW",
      cipher,
      wrapKey: turned,
    }),
  );
}
async function plaintextOf(
  document: Uint8Array | AsyncIterable<Uint8Array>,
  keyName = "",
  unwrap = turned,
): Promise<Uint8Array> {
  const source = document instanceof Uint8Array ? chunksOf(document, 777) : document;
  return bytesOfAll(
    await decrypt(source, { keyName, unwrapKey: ({ wrappedKey }) => unwrap(wrappedKey) }),
  );
}
/** Where the payload begins. */
function headerLength(document: Uint8Array): number {
  return decoder.decode(document).split("\n").slice(0, 3).join("\n").length + 1;
}
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe("a document", () => {
  it.each(ciphers)("comes back as it was, whatever its length and chunks (%s)", async (cipher) => {
    for (const size of [0, 1, segment - 1, segment, segment + 1, 2 * segment, 2 * segment + 5]) {
      const plaintext = sample(size);
      const document = await documentOf(plaintext, cipher);
      const segments = Math.ceil(size / segment);
      expect(document.length).toBe(headerLength(document) + size + 16 * segments);
      for (const chunk of [1_000_000, 65_552, 4096])
        expect(same(await plaintextOf(chunksOf(document, chunk)), plaintext)).toBe(true);
    }
  });
  it("can be read a byte at a time", async () => {
    const plaintext = sample(50);
    expect(await plaintextOf(chunksOf(await documentOf(plaintext), 1))).toEqual(plaintext);
  });
  it("begins with the scheme, a compact manifest and its MAC", async () => {
    const [scheme, manifest, mac] = decoder.decode(await documentOf(sample(3))).split("\n");
    expect(scheme).toBe("dapr.io/enc/v1");
    expect(manifest).toMatch(
      /^\{"k":"k","kw":1,"wfk":"[A-Za-z0-9+/]{43}=","cph":1,"np":"[A-Za-z0-9+/]{10}=="\}$/,
    );
    expect(mac).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(decoder.decode(await documentOf(sample(3), "CHACHA20-POLY1305", ""))).toMatch(
      /^dapr\.io\/enc\/v1\n\{"kw":1,"wfk":"[^"]+","cph":2,/,
    );
  });
  it("uses a file key of its own each time", async () => {
    const [one, other] = [await documentOf(sample(64)), await documentOf(sample(64))];
    expect(same(one.subarray(headerLength(one)), other.subarray(headerLength(other)))).toBe(false);
  });
  it("is refused when the name of its key makes the header too long", async () => {
    await expect(documentOf(sample(1), "AES-GCM", "k".repeat(segment))).rejects.toThrow(
      "failed to sign header: header is too long",
    );
  });
  it("is refused when its file key cannot be wrapped", async () => {
    const wrapKey = (): Promise<never> => Promise.reject(new Error("no such key"));
    const options = { keyName: "k", algorithm: "A256KW", cipher: "AES-GCM", wrapKey } as const;
    await expect(encrypt(chunksOf(sample(1), 1), options)).rejects.toThrow(
      "failed to wrap the file key: no such key",
    );
  });
});

describe("a document that was changed", () => {
  /** What came out before it failed, and why it did. */
  async function broken(
    document: Uint8Array,
  ): Promise<{ readonly released: Uint8Array; readonly why: string }> {
    const released: Uint8Array[] = [];
    try {
      const unwrapKey = ({ wrappedKey }: { readonly wrappedKey: Uint8Array }) => turned(wrappedKey);
      for await (const part of await decrypt(chunksOf(document, 9999), { keyName: "", unwrapKey }))
        released.push(part);
    } catch (reason) {
      return { released: new Uint8Array(Buffer.concat(released)), why: (reason as Error).message };
    }
    throw new Error("The document was taken");
  }
  const plaintext = sample(3 * segment + 100);
  const sealed = segment + 16;

  it.each(ciphers)("fails at the segment that is not as it was (%s)", async (cipher) => {
    const document = await documentOf(plaintext, cipher);
    const start = headerLength(document);
    for (const [at, index] of [
      [0, 0],
      [sealed - 1, 0],
      [sealed + 5, 1],
      [3 * sealed, 3],
    ] as const) {
      const changed = new Uint8Array(document);
      changed[start + at] = (changed[start + at] as number) ^ 1;
      const { released, why } = await broken(changed);
      expect(why).toBe(`error processing segment ${index}: failed to decrypt segment`);
      expect(same(released, plaintext.subarray(0, index * segment))).toBe(true);
    }
  });
  it("fails when it is cut off, between segments or inside one", async () => {
    const document = await documentOf(plaintext);
    const start = headerLength(document);
    for (const [length, index] of [
      [sealed, 0],
      [2 * sealed, 1],
      [3 * sealed, 2],
      [3 * sealed + 1, 3],
      [3 * sealed + 115, 3],
      [10, 0],
    ] as const) {
      const { released, why } = await broken(document.subarray(0, start + length));
      expect(why).toBe(`error processing segment ${index}: failed to decrypt segment`);
      expect(released.length).toBe(index * segment);
    }
  });
  it("fails when segments are swapped, repeated, left out or added", async () => {
    const document = await documentOf(plaintext);
    const start = headerLength(document);
    const header = document.subarray(0, start);
    const part = (i: number): Uint8Array =>
      document.subarray(start + i * sealed, start + (i + 1) * sealed);
    for (const order of [[1, 0, 2, 3], [0, 0, 1, 2, 3], [0, 2, 3], [0, 1, 2, 2, 3], [3]]) {
      const { why } = await broken(Buffer.concat([header, ...order.map(part)]));
      expect(why).toContain("failed to decrypt segment");
    }
    const { why } = await broken(Buffer.concat([document, sample(20)]));
    expect(why).toBe("error processing segment 3: failed to decrypt segment");
  });
  it("fails with one message for everything that is wrong with its header's content", async () => {
    const text = decoder.decode(await documentOf(sample(10)));
    const [scheme, manifest = "", mac = "", ...rest] = text.split("\n");
    const again = (m: string, sign = mac): Uint8Array =>
      Buffer.from([scheme, m, sign, ...rest].join("\n"), "latin1");
    const invalid = "invalid header: invalid manifest";
    const unsigned = "failed to validate the document's signature";
    for (const [changed, message] of [
      [manifest.replace('"k":"k"', '"k":"j"'), unsigned],
      [manifest.replace('"cph":1', '"cph":2'), unsigned],
      [manifest.replace('"kw":1', '"kw":2'), unsigned],
      [manifest.replace('"kw":1', '"kw":0'), invalid],
      [manifest.replace('"kw":1', '"kw":6'), invalid],
      [manifest.replace('"kw":1', '"kw":"1"'), invalid],
      [manifest.replace('"kw":1', '"kw":1.5'), invalid],
      [manifest.replace('"cph":1', '"cph":3'), invalid],
      [manifest.replace(/"wfk":"[^"]*"/, '"wfk":""'), invalid],
      [manifest.replace(/"wfk":"[^"]*"/, '"wfk":"*"'), invalid],
      [manifest.replace(/"np":"[^"]*"/, '"np":"AAAA"'), invalid],
      [manifest.replace('"k":"k"', '"k":7'), invalid],
      ["[]", invalid],
      ["null", invalid],
      ["{", invalid],
    ] as const)
      expect((await broken(again(changed))).why).toBe(message);
    expect((await broken(again(manifest, `${mac.slice(0, -3)}AA=`))).why).toBe(unsigned);
    expect((await broken(again(manifest, "AAAA"))).why).toBe(unsigned);
    expect((await broken(again(manifest, "!"))).why).toContain("failed to decode");
  });
  it.each([
    ["", "scheme name not found"],
    ["dapr.io/enc/v1", "scheme name not found"],
    ["dapr.io/enc/v1\n{}", "manifest not found"],
    ["dapr.io/enc/v1\n{}\nabc", "message authentication code not found"],
    ["dapr.io/enc/v2\n{}\nabc\n", "unsupported scheme"],
    ["\ndapr.io/enc/v1\n{}\nabc\n", "invalid format"],
    ["dapr.io/enc/v1\n\n\n", "invalid format"],
    ["x".repeat(70_000), "scheme name not found"],
    [`dapr.io/enc/v1\n${"x".repeat(70_000)}`, "manifest not found"],
  ])("is none when its header is %j", async (text, why) => {
    expect((await broken(Buffer.from(text))).why).toBe(`invalid header: ${why}`);
  });
});

describe("a document's key", () => {
  it("is the one that is asked for, else the one that the document names", async () => {
    const asked: string[] = [];
    const document = await documentOf(sample(5));
    for (const keyName of ["", "other"])
      await decrypt(chunksOf(document, 100), {
        keyName,
        unwrapKey: async ({ wrappedKey }, name) => {
          asked.push(name);
          return turned(wrappedKey);
        },
      });
    expect(asked).toEqual(["k", "other"]);
    await expect(plaintextOf(await documentOf(sample(5), "AES-GCM", ""))).rejects.toThrow(
      "document's manifest does not contain a key name, and no key name was provided",
    );
  });
  it("that is wrong, missing or of another length looks like a changed header", async () => {
    const document = await documentOf(sample(5));
    for (const unwrap of [
      async () => sample(32),
      async () => sample(16),
      () => Promise.reject(new Error("no such key")),
    ])
      await expect(plaintextOf(document, "", unwrap)).rejects.toThrow(
        "failed to validate the document's signature",
      );
  });
  it("that cannot be unwrapped does not let in what somebody made with a key of zeros", async () => {
    const zeros = new Uint8Array(32);
    const prefix = sample(7);
    const manifest = JSON.stringify({
      k: "k",
      kw: 1,
      wfk: "AAAA",
      cph: 1,
      np: Buffer.from(prefix).toString("base64"),
    });
    const signed = `dapr.io/enc/v1\n${manifest}\n`;
    const derived = (salt: Uint8Array, info: string): Buffer =>
      Buffer.from(hkdfSync("sha256", zeros, salt, info, 32));
    const mac = createHmac("sha256", derived(new Uint8Array(0), "header"))
      .update(signed)
      .digest();
    const nonce = Buffer.concat([prefix, Uint8Array.of(0, 0, 0, 0, 1)]);
    const sealer = createCipheriv("aes-256-gcm", derived(prefix, "payload"), nonce);
    const forged = Buffer.concat([
      Buffer.from(`${signed}${mac.toString("base64")}\n`),
      sealer.update("pay the forger"),
      sealer.final(),
      sealer.getAuthTag(),
    ]);
    // It is a document under that key, and stays none without it.
    expect(Buffer.from(await plaintextOf(forged, "", async () => zeros)).toString()).toBe(
      "pay the forger",
    );
    const unwrap = (): Promise<never> => Promise.reject(new Error("integrity check failed"));
    await expect(plaintextOf(forged, "", unwrap)).rejects.toThrow("signature");
  });
});

describe("a stream", () => {
  /** Endless; counts what was taken of it. */
  function endless(): {
    readonly source: AsyncGenerator<Uint8Array>;
    taken(): number;
    ended(): boolean;
  } {
    let taken = 0;
    let ended = false;
    const chunk = sample(16_384);
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          taken += chunk.length;
          yield chunk;
        }
      } finally {
        ended = true;
      }
    }
    return { source: source(), taken: () => taken, ended: () => ended };
  }
  it("is read no further than what is taken of the result, and ended with it", async () => {
    const { source, taken, ended } = endless();
    const options = { keyName: "k", algorithm: "A256KW", cipher: "AES-GCM" } as const;
    const document = await encrypt(source, { ...options, wrapKey: turned });
    const plaintext = await decrypt(document, {
      keyName: "",
      unwrapKey: ({ wrappedKey }) => turned(wrappedKey),
    });
    let out = 0;
    for await (const part of plaintext) {
      out += part.length;
      // One segment in each direction, and the chunk that showed that it is not the last.
      expect(taken() - out).toBeLessThanOrEqual(3 * segment);
      if (out > 20 * segment) break;
    }
    expect(ended()).toBe(true);
  });
  it("that fails fails the result", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield sample(100_000);
      throw new Error("the caller is gone");
    }
    const options = { keyName: "k", algorithm: "A256KW", cipher: "AES-GCM" } as const;
    const document = await encrypt(failing(), { ...options, wrapKey: turned });
    await expect(bytesOfAll(document)).rejects.toThrow("the caller is gone");
  });
});
