import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const middleware: Manifest<"middleware.http"> = defineComponent({
  kind: "middleware.http",
  type: "middleware.http.wasm",
  version: "v1",
  // The other platforms do not compile WebAssembly at run time.
  targets: ["node"],
  about:
    "Passes requests and responses through a WebAssembly guest that implements the http-wasm handler interface, with a subset of WASI.",
  options: {
    url: {
      type: "string",
      required: true,
      about: "URL of the guest: file:// with a path, http or https.",
    },
    guestConfig: { type: "string", about: "Text that the guest receives as its configuration." },
    strictSandbox: {
      type: "boolean",
      default: "false",
      about: "Whether the guest gets a fake clock and predictable random numbers.",
    },
  },
  open: async (spec, host) => (await import("./middleware.ts")).open(spec, host),
});
