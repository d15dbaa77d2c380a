import { groupOption } from "#components/_shared/group-option.ts";
import { poolOptions } from "#components/_shared/sql/pool-options.ts";
import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

/** Options of every MySQL component. */
const connectionOptions: OptionTable = {
  connectionString: {
    type: "string",
    required: true,
    sensitive: true,
    about:
      "Server, user and database: user:password@tcp(host:3306)/database?tls=true, as in Go, or mysql://user:password@host:3306/database.",
  },
  schemaName: {
    type: "string",
    default: "outrigger",
    about: "Database to use if connectionString has none; it is created if it does not exist.",
  },
  pemPath: {
    type: "string",
    about: "File with the certificate authority of the server (PEM); turns TLS on.",
  },
  pemContents: {
    type: "string",
    about: "Certificate authority of the server, as PEM text; turns TLS on.",
  },
  ...poolOptions,
};

export const coordination: Manifest<"coordination"> = defineComponent({
  kind: "coordination",
  type: "coordination.mysql",
  version: "v1",
  targets: ["node"],
  about:
    "Keeps owners of actors, reminders and jobs in MySQL from 8.0 or MariaDB from 10.6, for all runtimes of a group.",
  options: { ...connectionOptions, ...groupOption },
  open: async (spec, host) => (await import("./coordination.ts")).open(spec, host),
});
