import { describe, expect, it } from "vitest";
import { isSecretName, redactedTarget, withoutUserInfo } from "#core/tracing/redact.ts";

describe("what spans show of a request", () => {
  it.each([
    ["/v1.0/state/s/k", "/v1.0/state/s/k"],
    ["/v1.0/state/s/k?metadata.ttlInSeconds=5", "/v1.0/state/s/k?metadata.ttlInSeconds=5"],
    ["/p?api_key=1&n=2", "/p?api_key=REDACTED&n=2"],
    ["/p?ApiKey=1", "/p?ApiKey=REDACTED"],
    ["/p?metadata.dapr-api-token=1", "/p?metadata.dapr-api-token=REDACTED"],
    ["/p?%74oken=1", "/p?%74oken=REDACTED"],
    ["/p?%zz=1&sig=2&x", "/p?%zz=1&sig=REDACTED&x"],
    ["/p?code=abc&zipcode=7", "/p?code=REDACTED&zipcode=7"],
    ["/p?to=http://me:pw@host/x", "/p?to=http://host/x"],
    ["/v1.0/invoke/http://me:pw@host/method/m", "/v1.0/invoke/http://host/method/m"],
    ["/v1.0/state/s/me@example.com", "/v1.0/state/s/me@example.com"],
  ])("%s is shown as %s", (target, shown) => {
    expect(redactedTarget(target)).toBe(shown);
  });
  it("a cleaned path has lost a slash, and its credentials all the same", () => {
    expect(withoutUserInfo("/v1.0/invoke/https:/me:pw@host/method/m")).toBe(
      "/v1.0/invoke/https:/host/method/m",
    );
  });
  it.each(["dapr-api-token", "dapr-authorization", "dapr-cookie", "dapr-client-secret"])(
    "%s is a secret's name",
    (name) => {
      expect(isSecretName(name)).toBe(true);
    },
  );
  it.each(["dapr-app-id", "dapr-caller-app-id", "dapr-callee-app-id", "dapr-ticket"])(
    "%s is none",
    (name) => {
      expect(isSecretName(name)).toBe(false);
    },
  );
});
