import type { Loaded } from "#core/kernel/app.ts";
import type { StateCipher } from "#core/kernel/outbox.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { encryptedStore } from "./encryption.ts";
import { outboxSettings } from "./outbox.ts";

/** What of a state store is the runtime's doing: decided here once, so that calls to other stores pay nothing. */
export function loadedStore(
  store: string,
  port: StateStore,
  { cipher, metadata }: { readonly cipher: StateCipher | undefined; readonly metadata: Metadata },
): Pick<Loaded<"state">, "port" | "unencrypted" | "outbox"> {
  const settings = outboxSettings(metadata);
  return {
    ...(cipher ? { port: encryptedStore(port, cipher), unencrypted: port } : { port }),
    ...(settings ? { outbox: { store, settings, port, cipher } } : {}),
  };
}
