import { optionsOf } from "#components/_shared/options.ts";
import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

export const state: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.in-memory",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Keeps state in the memory of the runtime, until the runtime ends.",
  options: {},
  open: async (_spec, host) => (await import("./state-store.ts")).open(host.clock),
});

const pubSubOptions: OptionTable = {
  redeliverInterval: {
    type: "duration",
    default: "0",
    about:
      "Time until a message that the app answered with RETRY is delivered again (a number without a unit means milliseconds); 0 means never, as in Dapr.",
  },
};

export const pubsub: Manifest<"pubsub"> = defineComponent({
  kind: "pubsub",
  type: "pubsub.in-memory",
  version: "v1",
  // Not on Workers: isolates come and go, and do not share memory.
  targets: ["node", "azure-functions"],
  about:
    "Delivers messages in the memory of the runtime to consumers that are subscribed; publishing fails when 100000 messages or 256 MiB wait for one consumer of a topic.",
  options: pubSubOptions,
  open: async (spec, { clock, log }) => {
    const redeliverMs = optionsOf(spec, pubSubOptions).duration("redeliverInterval", 1) ?? 0;
    return (await import("./pub-sub.ts")).open({ clock, log, redeliverMs });
  },
});

export const coordination: Manifest<"coordination"> = defineComponent({
  kind: "coordination",
  type: "coordination.in-memory",
  version: "v1",
  targets: ["node"],
  about:
    "Keeps owners of actors, reminders and jobs in the runtime's memory; they are gone when the runtime ends, and no other process sees them.",
  options: {},
  open: async (_spec, host) => (await import("./coordination.ts")).open(host.clock),
});
