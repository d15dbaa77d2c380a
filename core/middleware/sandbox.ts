import type { ComponentDocument } from "#core/resources/component.ts";

/** Forces the strict sandbox on a WebAssembly component, whatever its document says (`wasm.strictSandbox`). */
export function sandboxed(document: ComponentDocument): ComponentDocument {
  const { spec } = document;
  if (!spec.type.toLowerCase().split(".").includes("wasm")) return document;
  const others = spec.metadata.filter(({ name }) => name.toLowerCase() !== "strictsandbox");
  return {
    ...document,
    spec: { ...spec, metadata: [...others, { name: "strictSandbox", value: "true" }] },
  };
}
