import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const input: Manifest<"bindings.input"> = defineComponent({
  kind: "bindings.input",
  type: "bindings.cron",
  version: "v1",
  targets: ["node"],
  about: "Calls the app on a schedule, counted in this process: each replica fires.",
  options: {
    schedule: {
      type: "string",
      required: true,
      about:
        "Five cron fields, or six with seconds first; @hourly, @daily, @weekly, @monthly, @yearly; or @every with a duration of a second or more, like @every 1h30m. TZ=Area/City in front sets the time zone, otherwise it is the machine's.",
    },
  },
  open: async (spec, host) => (await import("./input-binding.ts")).open(spec, host),
});
