import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noMetadata } from "#core/ports/component.ts";
import { fromBase64, toBase64 } from "#core/util/base64.ts";
import { type EventOrigin, toCloudEvent } from "#core/blocks/pubsub/envelope.ts";

const origin: EventOrigin = {
  appId: "app",
  pubsub: "ps",
  topic: "t",
  now: Date.UTC(2026, 0, 1),
  trace: undefined,
  metadata: noMetadata,
  features: [],
};

describe("toCloudEvent", () => {
  it("makes valid JSON, its names in order, of any text, type, topic and override", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.dictionary(text, text),
        (data, contentType, topic, overrides) => {
          const metadata = Object.fromEntries(
            Object.entries(overrides).map(([k, v]) => [`cloudevent.${k}`, v]),
          );
          const event = JSON.parse(
            toCloudEvent(data, contentType, { ...origin, topic, metadata }),
          ) as Record<string, unknown>;
          expect(Object.keys(event)).toEqual(Object.keys(event).sort());
          expect(event).toMatchObject({
            data,
            topic,
            datacontenttype: contentType === "" ? "text/plain" : contentType,
          });
        },
      ),
    );
  });

  it("gives back any JSON as it was", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const wrapped = JSON.parse(toCloudEvent(json, "application/json", origin)) as {
          data: unknown;
        };
        expect(JSON.stringify(wrapped.data)).toBe(JSON.stringify(JSON.parse(json)));
      }),
    );
  });

  it("keeps every field of any ready-made event", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (event) => {
        const out = JSON.parse(
          toCloudEvent(JSON.stringify(event), "application/cloudevents+json", origin),
        ) as object;
        const filled = ["topic", "pubsubname", "source", "type", "specversion", "traceparent"];
        for (const [name, value] of Object.entries(event))
          if (!filled.includes(name))
            expect(Object.entries(out)).toContainEqual([name, JSON.parse(JSON.stringify(value))]);
      }),
    );
  });
});

describe("base64", () => {
  it("gives back any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it("takes large payloads", () => {
    const bytes = new Uint8Array(300_000).fill(7);
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  });

  it.each([
    ["a*b=", 1],
    ["=aaa", 0],
    ["abcde", 4],
    ["abcd====", 4],
    ["a===", 1],
  ])("refuses %s, and says where", (text, at) => {
    expect(() => fromBase64(text)).toThrow(`illegal base64 data at input byte ${at}`);
  });
});
