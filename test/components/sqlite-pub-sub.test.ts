import { describe } from "vitest";
import { pubsub } from "#components/sqlite/manifest.ts";
import { pubSubContract } from "../contracts/pub-sub.ts";
import { openComponent } from "../support/host.ts";
import { temporaryFile } from "../support/temporary-file.ts";

describe("pubsub.outrigger.sqlite", () => {
  const connectionString = temporaryFile("pubsub.db");
  pubSubContract({
    name: "pubsub.outrigger.sqlite",
    open: () => openComponent(pubsub, { connectionString, redeliverInterval: "200ms" }),
    traits: { ordered: true, persistent: true, contentType: true, redeliverAfterMs: 200 },
  });
});
