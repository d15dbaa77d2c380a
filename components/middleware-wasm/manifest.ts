import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.wasm",
  version: "v1",
  // The other platforms compile no WebAssembly at run time.
  targets: ["node"],
  about:
    "Runs requests and responses through a WebAssembly guest of the http-wasm handler interface, with a part of WASI.",
  options: {
    url: {
      type: "string",
      required: true,
      about: "The guest: file:// with a path, or an http or https address.",
    },
    guestConfig: { type: "string", about: "Text that the guest gets as its configuration." },
    strictSandbox: {
      type: "boolean",
      default: "false",
      about: "Gives the guest a made-up clock and predictable random numbers.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
