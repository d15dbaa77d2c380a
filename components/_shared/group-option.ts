import type { OptionTable } from "#core/ports/manifest.ts";

/** Of coordination on a server that several groups of runtimes can share. */
export const groupOption: OptionTable = {
  group: {
    type: "string",
    default: "default",
    about: "Runtimes of the same group share actors, reminders and jobs; others do not see them.",
  },
};
