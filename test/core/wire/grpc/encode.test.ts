import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encoderFor } from "#core/wire/grpc/encode.ts";
import { GetStateResponseSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/state_pb.js";
import { GetMetadataResponseSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/metadata_pb.js";
import { parseTraceBin, traceBin } from "#core/wire/grpc/trace-bin.ts";

/** The library's own encoder is the judge. */
describe("encoding of responses", () => {
  it("writes flat messages byte for byte as the library does", () => {
    const encode = encoderFor(GetStateResponseSchema);
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 200 }));
    fc.assert(
      fc.property(
        fc.record(
          {
            data: fc.uint8Array({ maxLength: 40_000 }),
            etag: text,
            metadata: fc.dictionary(
              text.filter((name) => name !== "__proto__"),
              text,
            ),
          },
          { requiredKeys: [] },
        ),
        (init) => {
          const message = create(GetStateResponseSchema, init as never);
          expect(Buffer.from(encode(init))).toEqual(
            Buffer.from(toBinary(GetStateResponseSchema, message)),
          );
        },
      ),
    );
  });
  it("leaves nested messages to the library", () => {
    const init = { id: "app", registeredComponents: [{ name: "a", capabilities: ["ETAG"] }] };
    expect(Buffer.from(encoderFor(GetMetadataResponseSchema)(init))).toEqual(
      Buffer.from(toBinary(GetMetadataResponseSchema, create(GetMetadataResponseSchema, init))),
    );
  });
});

describe("grpc-trace-bin", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  it("says what a traceparent says", () => {
    expect(Buffer.from(traceBin(traceparent), "base64").toString("hex")).toBe(
      "00000af7651916cd43dd8448eb211c80319c01b7ad6b71692033310201",
    );
    expect(parseTraceBin(traceBin(traceparent))).toBe(traceparent);
  });
  it.each(["", "?", "AAAA", btoa("\u0001".repeat(29)), btoa("\0".repeat(28))])(
    "takes nothing from %j",
    (value) => expect(parseTraceBin(value)).toBeUndefined(),
  );
});
