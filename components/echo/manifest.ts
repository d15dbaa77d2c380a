import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const conversation: Manifest<"conversation"> = defineComponent({
  kind: "conversation",
  type: "conversation.echo",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Returns its input; a model for tests.",
  options: {},
  open: async () => (await import("./conversation.ts")).open(),
});
