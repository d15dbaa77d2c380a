import { groupOption } from "#components/_shared/group-option.ts";
import { poolOptions } from "#components/_shared/sql/pool-options.ts";
import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

/** Options of every PostgreSQL component. */
const connectionOptions: OptionTable = {
  connectionString: {
    type: "string",
    required: true,
    sensitive: true,
    about:
      "Server, database and user: postgresql://user:password@host:5432/database?sslmode=verify-full, or host=… port=… user=… password=… database=….",
  },
  ...poolOptions,
};

export const coordination: Manifest<"coordination"> = defineComponent({
  kind: "coordination",
  type: "coordination.postgresql",
  version: "v1",
  targets: ["node"],
  about: "Keeps owners of actors, reminders and jobs in PostgreSQL, for all runtimes of a group.",
  options: { ...connectionOptions, ...groupOption },
  open: async (spec, host) => (await import("./coordination.ts")).open(spec, host),
});
