import { pubsub, state } from "#components/redis/manifest.ts";
import { pubSubContract } from "#test/contracts/pub-sub.ts";
import { stateStoreContract, type StateStoreTraits } from "#test/contracts/state-store.ts";
import { openComponent } from "#test/support/host.ts";
import { redisCli } from "#test/support/redis-server.ts";
import { describeWith } from "#test/support/services.ts";

const traits: StateStoreTraits = {
  foreignEtag: "etag-invalid",
  staleEtag: "4711",
  etagOnMissingKey: "accepted",
  firstWriteRefuses: "first-written-keys",
  insertRefusal: "rejected",
  lastWriteIgnoresEtag: true,
  expiryIsRead: false,
  putWithoutTtl: "keeps-expiry",
};
await describeWith("redis", "state.redis", ({ address }) => {
  stateStoreContract({
    name: "state.redis",
    open: () => openComponent(state, { redisHost: address }),
    traits,
  });
});
const redelivery = { processingTimeout: "200", redeliverInterval: "100", concurrency: "1" };
await describeWith("redis", "pubsub.redis", ({ host, port, address }) => {
  pubSubContract({
    name: "pubsub.redis",
    open: () => openComponent(pubsub, { redisHost: address, ...redelivery }),
    traits: { ordered: true, persistent: true, contentType: false, redeliverAfterMs: 300 },
    cleanup: async (topics) => void (await redisCli({ host, port }, "DEL", ...topics)),
  });
});
