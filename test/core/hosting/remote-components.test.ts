import { expect, it } from "vitest";
import { open as openMemory } from "#components/in-memory/state-store.ts";
import { createInstances } from "#core/hosting/instances.ts";
import { loadComponents } from "#core/hosting/load-components.ts";
import { type ComponentSpec, defineComponent } from "#core/ports/manifest.ts";
import type { Platform } from "#core/ports/platform.ts";
import { createRegistry } from "#core/hosting/registry.ts";
import type { ComponentDocument } from "#core/resources/component.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { silent } from "../api.ts";

it("a component in a process of its own gets its settings as they are written, and an instance for each app", async () => {
  const opened: ComponentSpec[] = [];
  const remote = defineComponent({
    kind: "state",
    type: "state.remote",
    version: "v1",
    targets: ["node"],
    about: "For this test.",
    options: {},
    remote: true,
    open: async (spec) => {
      opened.push(spec);
      return openMemory(fakeClock());
    },
  });
  const warnings: string[] = [];
  const clock = fakeClock();
  const log = { ...silent, warn: (text: string) => void warnings.push(text) };
  const platform = { clock, log, env: {} } as unknown as Platform;
  const deps = {
    registry: createRegistry([remote], "node"),
    instances: createInstances({ ...platform, binding: () => undefined }, clock),
    platform,
    denied: new Set<string>(),
  };
  const text =
    "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: s}\n" +
    'spec: {type: state.remote, version: v1, initTimeout: 7s, metadata: [{name: camelCase, value: "{appID}"}]}\n';
  const documents = parseDocuments(text, "test.yaml").documents as readonly ComponentDocument[];
  const loaded = await Promise.all(
    ["a", "b"].map((appId) => loadComponents({ appId, namespace: "" }, documents, deps)),
  );
  expect(loaded.map(({ failed }) => failed)).toEqual([[], []]);
  expect(opened.map(({ owner }) => owner)).toEqual([
    { appId: "a", properties: { camelCase: "a" }, initTimeoutMs: 7000 },
    { appId: "b", properties: { camelCase: "b" }, initTimeoutMs: 7000 },
  ]);
  expect(opened[0]?.metadata).toEqual({ camelcase: "a" });
  expect(warnings).toEqual([]);
});
