import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { boundTo, fakeServices } from "#test/support/runtime-services.ts";
import { cryptoGrpc } from "#core/blocks/crypto/grpc.ts";
import { ApiError } from "#core/errors/api-error.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { eventually } from "#test/support/eventually.ts";
import { grpcClient } from "../../grpc-call.ts";
import { appWith, sample, secretKey } from "./support.ts";

const app = appWith({ aes: secretKey(32) });
const encryptOptions = { componentName: "vault", keyName: "aes", keyWrapAlgorithm: "A256KW" };
const payload = (seq: number, data: Uint8Array): object => ({
  payload: { seq: BigInt(seq), data },
});

async function* messages(...list: readonly object[]): AsyncGenerator<object> {
  yield* list;
}
function call(
  rpc: "EncryptAlpha1" | "DecryptAlpha1",
  requests: AsyncIterable<object>,
  on: App = app,
  clock: FakeClock = fakeClock(),
): AsyncGenerator<{ readonly payload: { readonly seq: bigint; readonly data: Uint8Array } }> {
  const client = grpcClient(on, {}, [boundTo(fakeServices({ clock }), cryptoGrpc)]);
  return client.stream(rpc, requests);
}
async function dataOf(stream: ReturnType<typeof call>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let expected = 0n;
  for await (const message of stream) {
    expect(message.payload.seq).toBe(expected++);
    expect(message.payload.data.length).toBeLessThanOrEqual(65_552);
    parts.push(message.payload.data);
  }
  return new Uint8Array(Buffer.concat(parts));
}
async function errorOf(stream: ReturnType<typeof call>): Promise<readonly [number, string]> {
  try {
    await dataOf(stream);
  } catch (reason) {
    if (ApiError.is(reason)) return [reason.spec.grpc, reason.message];
    throw reason;
  }
  throw new Error("The call did not fail");
}
const invalid = 3;
const internal = 13;

describe("EncryptAlpha1 and DecryptAlpha1", () => {
  it("give back what they were given, in numbered messages", async () => {
    const plaintext = sample(300_000);
    const document = await dataOf(
      call(
        "EncryptAlpha1",
        messages(
          { options: encryptOptions, ...payload(0, plaintext.subarray(0, 10)) },
          {},
          payload(1, new Uint8Array(0)),
          payload(2, plaintext.subarray(10, 200_000)),
          payload(3, plaintext.subarray(200_000)),
        ),
      ),
    );
    const options = { componentName: "vault", keyName: "aes" };
    for (const requests of [
      messages({ options, ...payload(0, document) }),
      messages(
        { options: { componentName: "vault" } },
        payload(0, document.subarray(0, 50)),
        payload(1, document.subarray(50)),
      ),
    ])
      expect(Buffer.compare(await dataOf(call("DecryptAlpha1", requests)), plaintext)).toBe(0);
  });
  it("take a stream without payload for an empty document", async () => {
    const document = await dataOf(call("EncryptAlpha1", messages({ options: encryptOptions })));
    expect(Buffer.from(document).toString()).toMatch(/^dapr\.io\/enc\/v1\n.*\n.*\n$/);
    const options = { componentName: "vault" };
    const back = await dataOf(
      call("DecryptAlpha1", messages({ options, ...payload(0, document) })),
    );
    expect(back).toHaveLength(0);
    expect(await errorOf(call("DecryptAlpha1", messages({ options })))).toEqual([
      internal,
      "failed to perform operation: invalid header: scheme name not found",
    ]);
  });
  it("send as they receive", async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<object> {
      yield { options: encryptOptions };
      for (; ; sent++) yield payload(sent, sample(65_536));
    }
    let got = 0;
    for await (const _ of call("EncryptAlpha1", endless())) {
      expect(sent - got).toBeLessThanOrEqual(3);
      if (++got === 20) break;
    }
  });
  it.each([
    [{}, "first message does not contain the required options"],
    [payload(0, sample(3)), "first message does not contain the required options"],
    [
      { options: { ...encryptOptions, keyName: "" } },
      "missing property 'keyName' in the options message",
    ],
    [
      { options: { ...encryptOptions, keyWrapAlgorithm: "" } },
      "missing property 'keyWrapAlgorithm' in the options message",
    ],
    [{ options: { ...encryptOptions, componentName: "" } }, "missing component name"],
  ])("refuse a first message that says too little (%#)", async (message, why) => {
    expect(await errorOf(call("EncryptAlpha1", messages(message)))).toEqual([
      invalid,
      `invalid request: ${why}`,
    ]);
  });
  it("refuse a component that is not there", async () => {
    const options = { ...encryptOptions, componentName: "nope" };
    expect(await errorOf(call("EncryptAlpha1", messages({ options })))).toEqual([
      invalid,
      "crypto provider nope not found",
    ]);
    expect(await errorOf(call("DecryptAlpha1", messages({ options }), fakeApp()))).toEqual([
      internal,
      "crypto providers not configured",
    ]);
  });
  it.each([
    [
      { keyWrapAlgorithm: "ROT13" },
      "option Algorithm is not valid: algorithm ROT13 is not supported",
    ],
    [
      { dataEncryptionCipher: "ROT13" },
      "option Cipher is not valid: cipher ROT13 is not supported",
    ],
    [
      { keyName: "nope" },
      "failed to wrap the file key: failed to retrieve the key encryption key: key not found",
    ],
  ])("refuse options %j", async (wrong, why) => {
    const options = { ...encryptOptions, ...wrong };
    expect(await errorOf(call("EncryptAlpha1", messages({ options })))).toEqual([
      internal,
      `failed to perform operation: ${why}`,
    ]);
  });
  it.each([
    [[payload(1, sample(3))], "invalid sequence number received: 1 (expected: 0)"],
    [
      [payload(0, sample(3)), payload(0, sample(3))],
      "invalid sequence number received: 0 (expected: 1)",
    ],
    [
      [payload(0, sample(3)), payload(2, sample(3))],
      "invalid sequence number received: 2 (expected: 1)",
    ],
    [[{ options: encryptOptions }], "options found in non-leading message"],
    [[payload(0, sample(3)), { options: {} }], "options found in non-leading message"],
  ])("refuse later messages that do not follow (%#)", async (later, why) => {
    const requests = messages({ options: encryptOptions }, ...later);
    expect(await errorOf(call("EncryptAlpha1", requests))).toEqual([
      internal,
      `failed to perform operation: ${why}`,
    ]);
  });
  it("say so when the stream ends before its first message, or fails", async () => {
    expect(await errorOf(call("EncryptAlpha1", messages()))).toEqual([
      internal,
      "failed to perform operation: error receiving the first message: EOF",
    ]);
    // oxlint-disable-next-line require-yield -- it fails first
    async function* failing(): AsyncGenerator<object> {
      throw new Error("reset");
    }
    expect(await errorOf(call("EncryptAlpha1", failing()))).toEqual([
      internal,
      "failed to perform operation: error receiving the first message: reset",
    ]);
  });
  it("wait five seconds for the first message, and leave no timer behind", async () => {
    const clock = fakeClock();
    async function* silent(): AsyncGenerator<object> {
      await new Promise(() => {});
      yield {};
    }
    const late = errorOf(call("EncryptAlpha1", silent(), app, clock));
    await eventually(() => clock.sleepers === 1);
    await clock.advance(4999);
    expect(clock.sleepers).toBe(1);
    await clock.advance(1);
    expect(await late).toEqual([
      invalid,
      "invalid request: error waiting for first message: context deadline exceeded",
    ]);
    await dataOf(call("EncryptAlpha1", messages({ options: encryptOptions }), app, clock));
    await eventually(() => clock.sleepers === 0);
  });
});
