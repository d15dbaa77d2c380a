import { describe } from "vitest";
import { pubsub } from "#components/sqlite/manifest.ts";
import { pubSubContract } from "#test/contracts/pub-sub.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

describe("pubsub.outrigger.sqlite", () => {
  const connectionString = temporaryFile("pubsub.db");
  pubSubContract({
    name: "pubsub.outrigger.sqlite",
    open: () => openComponent(pubsub, { connectionString, redeliverInterval: "200ms" }),
    traits: { ordered: true, persistent: true, contentType: true, redeliverAfterMs: 200 },
  });
});
