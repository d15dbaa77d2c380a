import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const pubsub: Manifest<"pubsub"> = defineComponent({
  kind: "pubsub",
  type: "pubsub.cloudflare.queues",
  version: "v1",
  targets: ["workers"],
  about:
    "Publishes to Cloudflare Queues, one queue per topic; the platform pushes messages to the Worker's queue handler.",
  options: {
    queues: {
      type: "string",
      about:
        'Topics whose queue has a different name than the topic, as "topic=queue,topic2=queue2".',
    },
  },
  open: async (spec, host) => (await import("./pub-sub.ts")).open(spec, host),
});
