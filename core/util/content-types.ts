export const cloudEventType = "application/cloudevents+json";
export const jsonType = "application/json";
export const octetType = "application/octet-stream";

export function isCloudEvent(contentType: string): boolean {
  return is(contentType, cloudEventType);
}
export function isJson(contentType: string): boolean {
  return is(contentType, jsonType);
}
export function isOctets(contentType: string): boolean {
  return is(contentType, octetType);
}
export function isText(contentType: string): boolean {
  return contentType.slice(0, 5).toLowerCase() === "text/" || is(contentType, "application/xml");
}
/** Payloads that go into an envelope as base64. Dapr first looks whether `x-protobuf` holds a CloudEvent, and mangles what does not. */
export function isBinary(contentType: string): boolean {
  return (
    isOctets(contentType) ||
    is(contentType, "application/cloudevents+protobuf") ||
    is(contentType, "application/x-protobuf")
  );
}

/** Letter case and parameters do not count. */
function is(contentType: string, expected: string): boolean {
  if (contentType === expected) return true;
  if (contentType.length < expected.length) return false;
  const next = contentType.charCodeAt(expected.length);
  if (!Number.isNaN(next) && next !== 59) return false;
  return contentType.slice(0, expected.length).toLowerCase() === expected;
}
