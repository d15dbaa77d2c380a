import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe } from "vitest";
import type { PubSub } from "#core/ports/pub-sub.ts";
import { inputBindingContract } from "#test/contracts/input-binding.ts";
import { outputBindingContract } from "#test/contracts/output-binding.ts";
import { pubSubContract } from "#test/contracts/pub-sub.ts";
import { secretStoreContract } from "#test/contracts/secret-store.ts";
import { stateStoreContract } from "#test/contracts/state-store.ts";
import {
  type ComponentProcess,
  describeWithGo,
  socketsFolder,
  startComponent,
} from "#test/pluggable/component.ts";
import { discover, type Offered } from "#test/pluggable/open.ts";

/** What our own components promise, a component behind a socket promises too: the process is Go, with Dapr's stubs. */
describeWithGo("pluggable components", () => {
  const folder = socketsFolder();
  let component: ComponentProcess;
  let offered: Offered;
  beforeAll(async () => {
    component = await startComponent(folder, "peer");
    offered = await discover(folder);
  }, 60_000);
  afterAll(async () => {
    await component?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const open: Offered["open"] = (...given) => offered.open(...given);

  describe("state.peer", () => {
    stateStoreContract({
      name: "state.peer",
      open: () => open("state", "store"),
      traits: {
        foreignEtag: "etag-invalid",
        staleEtag: "4711000",
        etagOnMissingKey: "refused",
        firstWriteRefuses: "every-key",
        expiryIsRead: true,
        putWithoutTtl: "ends-expiry",
      },
    });
  });
  for (const bulk of ["true", "false"])
    describe(`pubsub.peer with bulk ${bulk}`, () => {
      pubSubContract({
        name: "pubsub.peer",
        open: async () => {
          const port = named(await open("pubsub", `broker-${bulk}`, { properties: { bulk } }));
          return bulk === "true" ? port : inTurn(port);
        },
        traits: { ordered: true, persistent: true, contentType: true, redeliverAfterMs: 60 },
      });
    });
  describe("bindings.peer, in", () => {
    inputBindingContract({
      open: () => open("bindings.input", "events"),
      trigger: async () => {
        const out = await open("bindings.output", "events");
        await out.invoke("emit", { data: "event", metadata: {} }, unlimited);
        await out[Symbol.asyncDispose]();
      },
      afterRejection: "comes-again",
    });
  });
  describe("bindings.peer, out", () => {
    const request = { data: "hello", metadata: { a: "1" } };
    outputBindingContract({
      open: () => open("bindings.output", "out"),
      works: { operation: "echo", request, answers: true },
      fails: { operation: "fail", request },
    });
  });
  describe("secretstores.peer", () => {
    const secrets = { one: { one: "1" }, several: { user: "ü", password: "" } };
    secretStoreContract({
      open: () =>
        open("secretstores", "vault", { properties: { secretsJSON: JSON.stringify(secrets) } }),
      secrets,
      missing: "nothing",
    });
  });
});

const unlimited = { signal: new AbortController().signal };

/** Dapr's protocol tells a consumer's id at the start only; the peer also takes it with a subscription. */
function named(port: PubSub): PubSub {
  return {
    ...port,
    subscribe: (subscription, deliver, options) => {
      const metadata = { ...subscription.metadata, consumerID: subscription.consumerId };
      return port.subscribe?.({ ...subscription, metadata }, deliver, options) as Promise<void>;
    },
  };
}

/** Without bulk publishing, messages go to the component side by side; here their order is to be seen. */
function inTurn(port: PubSub): PubSub {
  return {
    ...port,
    publish: async (topic, messages, options) => {
      const results: Array<Error | undefined> = [];
      for (const message of messages)
        results.push(...(await port.publish(topic, [message], options)));
      return results;
    },
  };
}
