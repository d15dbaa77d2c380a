import { describe } from "vitest";
import { pubsub, state } from "#components/in-memory/manifest.ts";
import { pubSubContract } from "#test/contracts/pub-sub.ts";
import { stateStoreContract, type StateStoreTraits } from "#test/contracts/state-store.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";

const clock = fakeClock();
const host = testHost({ clock });
const elapse = (ms: number): Promise<void> => clock.advance(ms);
const traits: StateStoreTraits = {
  foreignEtag: "etag-mismatch",
  staleEtag: crypto.randomUUID(),
  etagOnMissingKey: "refused",
  firstWriteRefuses: "every-key",
  expiryIsRead: true,
  putWithoutTtl: "ends-expiry",
  elapse,
};
describe("state.in-memory", () => {
  stateStoreContract({
    name: "state.in-memory",
    open: () => openComponent(state, {}, host),
    traits,
  });
});
describe("pubsub.in-memory", () => {
  pubSubContract({
    name: "pubsub.in-memory",
    open: () => openComponent(pubsub, { redeliverInterval: "500ms" }, host),
    traits: { ordered: true, persistent: false, contentType: true, redeliverAfterMs: 500, elapse },
  });
});
