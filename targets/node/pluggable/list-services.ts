import { ComponentError } from "#core/errors/component-error.ts";
import { ServerReflection } from "#core/wire/grpc/gen/grpc/reflection/v1/reflection_pb.js";
import type { CallOptions } from "#core/ports/component.ts";
import { holdingClock } from "#targets/node/clock.ts";
import { dial, type Wire } from "./wire.ts";

/** The versions of gRPC reflection, the one that Dapr asks for first; they differ in name only. */
const versions = ["grpc.reflection.v1alpha", "grpc.reflection.v1"];
const retryMs = 200;

/** Full names of the services behind a socket. Waits for who does not listen yet; rejects when the signal fires. */
export async function listServices(
  socket: string,
  options: CallOptions,
): Promise<ReadonlySet<string>> {
  const wire = await patientDial(socket, options);
  const { signal } = options;
  signal.addEventListener("abort", wire.close, { once: true });
  try {
    let failure: unknown;
    for (const version of versions) {
      try {
        return await ask(wire, version, signal);
      } catch (reason) {
        if (!ComponentError.is(reason) || reason.kind !== "unsupported") throw reason;
        failure = reason;
      }
    }
    throw failure;
  } finally {
    signal.removeEventListener("abort", wire.close);
    wire.close();
  }
}

async function patientDial(socket: string, options: CallOptions): Promise<Wire> {
  for (;;) {
    try {
      return await dial(socket, undefined, options);
    } catch (reason) {
      options.signal.throwIfAborted();
      try {
        // Nothing else keeps the process alive while it starts.
        await holdingClock.sleep(retryMs, options);
      } catch {
        throw reason;
      }
    }
  }
}

function ask(wire: Wire, version: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return new Promise((resolve, reject) => {
    const method = ServerReflection.method.serverReflectionInfo;
    const stream = wire.stream(method, `/${version}.ServerReflection/${method.name}`);
    const end = (): void => stream.cancel();
    signal.addEventListener("abort", end, { once: true });
    stream.ended
      .then(() => Promise.reject(new Error("reflection ended without an answer")))
      .catch((reason: unknown) => reject((signal.aborted ? signal.reason : reason) as Error))
      .finally(() => signal.removeEventListener("abort", end));
    stream.read(async ({ messageResponse: { case: answer, value } }) => {
      if (answer === "listServicesResponse")
        resolve(new Set(value.service.map(({ name }) => name)));
      else reject(new Error("reflection does not list the services"));
      stream.cancel();
    }, 1);
    void stream.send({ messageRequest: { case: "listServices", value: "*" } });
  });
}
