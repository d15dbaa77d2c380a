import type { DescMethodUnary } from "@bufbuild/protobuf";
import type {
  FeaturesRequestSchema,
  FeaturesResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/common_pb.js";
import type { CallOptions } from "#core/ports/component.ts";
import type { Host } from "#core/ports/manifest.ts";
import { within } from "#core/util/time-limit.ts";
import type { Link } from "./link.ts";

const limitMs = 5000;

/** What the component says that it can do. Closes the link when it cannot say. */
export async function readFeatures(
  link: Link,
  host: Pick<Host, "clock">,
  method: DescMethodUnary<typeof FeaturesRequestSchema, typeof FeaturesResponseSchema>,
): Promise<readonly string[]> {
  return opening(link, host, async (options) => (await link.unary(method, {}, options)).features);
}

/** One more question before the component is open, answered soon or it does not open. */
export async function opening<T>(
  link: Link,
  { clock }: Pick<Host, "clock">,
  ask: (options: CallOptions) => Promise<T>,
): Promise<T> {
  try {
    return await within(clock, limitMs, { signal: link.closed }, ask);
  } catch (reason) {
    link.close();
    throw reason;
  }
}
