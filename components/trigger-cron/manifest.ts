import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const input: Manifest<"bindings.input"> = defineComponent({
  kind: "bindings.input",
  type: "bindings.cron",
  version: "v1",
  targets: ["workers", "azure-functions"],
  about:
    "Calls the app on a schedule that the platform keeps: a Worker's cron trigger, or a timer trigger of Azure Functions.",
  options: {
    schedule: {
      type: "string",
      required: true,
      about:
        "On Workers, exactly the text of one of the Worker's cron triggers; on Azure Functions, five or six cron fields, @hourly and the like, or @every with a duration of less than a day.",
    },
  },
  open: async (spec) => (await import("./input-binding.ts")).open(spec),
});
