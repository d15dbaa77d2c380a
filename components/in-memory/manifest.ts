import { optionsOf } from "#components/_shared/options.ts";
import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

export const state: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.in-memory",
  version: "v1",
  targets: ["node", "workers", "azure-functions"],
  about: "Keeps state in the runtime's memory; it is gone when the runtime ends.",
  options: {},
  open: async (_spec, host) => (await import("./state-store.ts")).open(host.clock),
});

const pubSubOptions: OptionTable = {
  redeliverInterval: {
    type: "duration",
    default: "0",
    about:
      "Time until a message is delivered again that the app answered with RETRY; 0, as in Dapr: it is not. A bare number is milliseconds.",
  },
};

export const pubsub: Manifest<"pubsub"> = defineComponent({
  kind: "pubsub",
  type: "pubsub.in-memory",
  version: "v1",
  // Not on Workers: isolates come and go, and share no memory.
  targets: ["node", "azure-functions"],
  about:
    "Passes messages on within the runtime's memory. A consumer that is not subscribed gets none; per topic and consumer at most 100000 messages or 256 MiB wait, then publishing fails.",
  options: pubSubOptions,
  open: async (spec, { clock, log }) => {
    const redeliverMs = optionsOf(spec, pubSubOptions).duration("redeliverInterval", 1) ?? 0;
    return (await import("./pub-sub.ts")).open({ clock, log, redeliverMs });
  },
});
