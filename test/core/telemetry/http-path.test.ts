import { describe, expect, test } from "vitest";
import { pathLabels, withoutIds } from "#core/telemetry/http-path.ts";
import { pathMatcher } from "#core/telemetry/path-matching.ts";

describe("paths without ids", () => {
  const workflow = "/v1.0-alpha1/workflows/dapr";
  for (const [path, label] of [
    ["/v1.0/state/store/key", "/v1.0/state/store"],
    ["/v1.0/state/store", "/v1.0/state/store"],
    ["/v1.0/state/store/a/b/c/d/e", "/v1.0/state/store"],
    ["/v1.0/secrets/vault/name", "/v1.0/secrets/vault"],
    ["/v1.0/publish/ps/topic", "/v1.0/publish/ps/topic"],
    ["/v1.0/bindings/kafka", "/v1.0/bindings/kafka"],
    ["/v1.0/invoke/cart/method/orders/7", "/v1.0/invoke/cart/method/orders/7"],
    ["/healthz", "/healthz"],
    ["/", "/"],
    ["", ""],
    ["/v1.0/actors/Cart/1", "/v1.0/actors/Cart/1"],
    ["/v1.0/actors/Cart/1/state/key", "/v1.0/actors/Cart/{id}/state"],
    ["/v1.0/actors/Cart/1/reminders/name", "/v1.0/actors/Cart/{id}/reminders"],
    ["/v1.0/actors/Cart/1/timers/name", "/v1.0/actors/Cart/{id}/timers"],
    ["/v1.0/actors/Cart/1/method/add", "/v1.0/actors/Cart/{id}/method"],
    ["v1/actors/Cart/1/timer/name", "/v1/actors/Cart/{id}/timer"],
    ["//v1.0//state///store//key", "/v1.0/state/store"],
    ["/actors/Cart/1/method/add", "actors/Cart/{id}/method/add"],
    ["/actors/Cart/1/method/remind/tea", "actors/Cart/{id}/method/remind/tea"],
    [workflow, workflow],
    [`${workflow}/1234`, `${workflow}/{instanceId}`],
    [`${workflow}/order/start`, `${workflow}/order/start`],
    [`${workflow}/1234/start/a/b`, `${workflow}/{instanceId}/start`],
    [`${workflow}/1234/terminate`, `${workflow}/{instanceId}/terminate`],
    [`${workflow}/1234/pause`, `${workflow}/{instanceId}/pause`],
    [`${workflow}/1234/raiseEvent/paid`, `${workflow}/{instanceId}/raiseEvent/{eventName}`],
    ["/v1.0-alpha1/workflows", "/v1.0-alpha1/workflows"],
  ] as const)
    test(`${path || "nothing"} is ${label || "nothing"}`, () => {
      expect(withoutIds(path)).toBe(label);
    });
});

describe("patterns of paths", () => {
  const match = pathMatcher([
    "/orders",
    "/orders/{id}",
    "/orders/{id}/items",
    "/orders/mine",
    "/files/",
    "/users/{user}/",
    "/all/{rest...}",
    "/only/{$}",
    "/v1.0/invoke/cart/method/direct",
    "/v1.0/state/store",
  ]);
  for (const [path, pattern] of [
    ["/orders", "/orders"],
    ["/orders/7", "/orders/{id}"],
    ["/orders/mine", "/orders/mine"],
    ["/orders/7/items", "/orders/{id}/items"],
    ["/orders/7/items/3", undefined],
    ["/orders/", undefined],
    ["/order", undefined],
    ["/files/a/b", "/files/"],
    ["/files", "/files/"],
    ["/users/ann/x", "/users/{user}/"],
    ["/all/of/it", "/all/{rest...}"],
    ["/only/", "/only/{$}"],
    ["/only/this", undefined],
    ["//orders//7", "/orders/{id}"],
    ["/v1.0/invoke/shop/method/orders/7", "/v1.0/invoke/{app_id}/method/orders/{id}"],
    ["/v1.0/invoke/shop/method/nope", undefined],
    ["/v1.0/invoke/cart/method/direct", "/v1.0/invoke/cart/method/direct"],
    ["/v1.0/invoke/shop/method/v1.0/state/store", "/v1.0/invoke/{app_id}/method/v1.0/state/store"],
  ] as const)
    test(`${path} is taken by ${pattern ?? "none"}`, () => {
      expect(match(path)).toBe(pattern);
    });
});

describe("the label of a path", () => {
  const patterns = ["/orders/{id}", "/v1.0/state/store"];
  const rows: ReadonlyArray<
    readonly [increased: boolean, patterns: readonly string[], path: string, label: string]
  > = [
    [true, [], "/v1.0/state/s/key", "/v1.0/state/s"],
    [true, [], "/anything/goes", "/anything/goes"],
    [false, [], "/v1.0/state/s/key", ""],
    [false, patterns, "/orders/7", "/orders/{id}"],
    [false, patterns, "/carts/7", ""],
    [false, patterns, "/v1.0/state/store/key", "/v1.0/state/store"],
    [false, [...patterns, "/"], "/carts/7", "/"],
    [true, patterns, "/orders/7", "/orders/{id}"],
    [true, patterns, "/carts/7", "/carts/7"],
    [true, patterns, "/v1.0/secrets/vault/name", "/v1.0/secrets/vault"],
    ...["/dapr/config", "/dapr/subscribe", "/dapr/metrics", "/healthz"].flatMap((path) =>
      [true, false].map((increased) => [increased, ["/"], path, path] as const),
    ),
  ];
  for (const [increasedCardinality, pathMatching, path, label] of rows)
    test(`${increasedCardinality ? "with" : "without"} increased cardinality and patterns [${pathMatching.join(" ")}], ${path} is ${label || "empty"}`, () => {
      const settings = { increasedCardinality, pathMatching, excludeVerbs: false };
      expect(pathLabels(settings)(path)).toBe(label);
    });
});
