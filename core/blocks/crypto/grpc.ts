import { messageOf } from "#core/errors/component-error.ts";
import type { RequestOf } from "#core/wire/grpc/rpcs.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";
import { badRequest, operationFailed } from "./errors.ts";
import { decryptDocument, encryptDocument, type Part } from "./operations.ts";
import { subtleCryptoGrpc } from "./subtle-grpc.ts";

const firstMessageMs = 5000;

type Request = RequestOf<"EncryptAlpha1"> | RequestOf<"DecryptAlpha1">;

export function cryptoGrpc(routes: GrpcRoutes, { platform: { clock } }: RuntimeServices): void {
  subtleCryptoGrpc(routes);
  routes.bidi(
    "EncryptAlpha1",
    encryptDocument,
    async (requests, input) => {
      const { options, document } = await begin(requests, clock, input);
      if (options.keyName === "")
        throw badRequest("missing property 'keyName' in the options message");
      if (options.keyWrapAlgorithm === "")
        throw badRequest("missing property 'keyWrapAlgorithm' in the options message");
      return {
        component: options.componentName,
        keyName: options.keyName,
        keyWrapAlgorithm: options.keyWrapAlgorithm,
        cipher: options.dataEncryptionCipher,
        omitKeyName: options.omitDecryptionKeyName,
        decryptionKeyName: options.decryptionKeyName,
        document,
        heldBytes: 0,
      };
    },
    payload,
  );
  routes.bidi(
    "DecryptAlpha1",
    decryptDocument,
    async (requests, input) => {
      const { options, document } = await begin(requests, clock, input);
      const { componentName, keyName } = options;
      return { component: componentName, keyName, document, heldBytes: 0 };
    },
    payload,
  );
}

function payload({ seq, data }: Part) {
  return { payload: { seq: BigInt(seq), data } };
}

/** Waits for the first message, and no longer than Dapr does: it says what to do. */
async function begin<R extends Request>(
  requests: AsyncIterable<R>,
  clock: Clock,
  options: CallOptions,
): Promise<{
  readonly options: NonNullable<R["options"]>;
  readonly document: AsyncGenerator<Uint8Array>;
}> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await firstOf(iterator, clock, options);
  if (!first.options) throw badRequest("first message does not contain the required options");
  return { options: first.options, document: payloads(first, iterator) };
}

async function firstOf<R>(
  iterator: AsyncIterator<R>,
  clock: Clock,
  options: CallOptions,
): Promise<R> {
  const next = (): Promise<IteratorResult<R>> =>
    iterator.next().catch((reason: unknown): never => {
      throw operationFailed(reason, `error receiving the first message: ${messageOf(reason)}`);
    });
  const late = (): Error =>
    badRequest("error waiting for first message: context deadline exceeded");
  const { done, value } = await within(clock, firstMessageMs, options, next, late);
  if (done) throw operationFailed(undefined, "error receiving the first message: EOF");
  return value;
}

/** The document that the messages carry; fails for a gap between them, and for options in a later one. */
async function* payloads(first: Request, rest: AsyncIterator<Request>): AsyncGenerator<Uint8Array> {
  let expected = 0n;
  try {
    for (let message = first; ;) {
      if (message.payload) {
        const { seq, data } = message.payload;
        if (seq !== expected)
          throw new Error(`invalid sequence number received: ${seq} (expected: ${expected})`);
        expected++;
        yield data;
      }
      const { done, value } = await rest.next();
      if (done) return;
      if (value.options) throw new Error("options found in non-leading message");
      message = value;
    }
  } finally {
    void rest.return?.().catch(() => {});
  }
}
