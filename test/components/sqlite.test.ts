import { describe } from "vitest";
import { state } from "#components/sqlite/manifest.ts";
import { stateStoreContract, type StateStoreTraits } from "#test/contracts/state-store.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const clock = fakeClock();
const traits: StateStoreTraits = {
  foreignEtag: "etag-mismatch",
  staleEtag: crypto.randomUUID(),
  etagOnMissingKey: "refused",
  firstWriteRefuses: "every-key",
  expiryIsRead: true,
  putWithoutTtl: "ends-expiry",
  elapse: (ms) => clock.advance(ms),
};
const memory = ":memory:";
describe.each([
  ["a file", { connectionString: `file:${temporaryFile("state.db")}` }],
  ["a file without WAL", { connectionString: temporaryFile("state.db"), disableWAL: "true" }],
  ["memory", { connectionString: memory }],
])("state.sqlite in %s", (_, metadata) => {
  const open = () => openComponent(state, metadata, testHost({ clock }));
  stateStoreContract({
    name: "state.sqlite",
    open,
    ...(metadata.connectionString === memory ? {} : { openAnother: open }),
    traits,
  });
});
