import {
  InputBinding,
  OutputBinding,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/bindings_pb.js";
import { PubSub } from "#core/wire/grpc/gen/dapr/proto/components/v1/pubsub_pb.js";
import { SecretStore } from "#core/wire/grpc/gen/dapr/proto/components/v1/secretstore_pb.js";
import { StateStore } from "#core/wire/grpc/gen/dapr/proto/components/v1/state_pb.js";
import { defineComponent, type Kind, type Manifest } from "#core/ports/manifest.ts";
import { openInputBinding } from "./input-binding.ts";
import type { Endpoint } from "./link.ts";
import { openOutputBinding } from "./output-binding.ts";
import { openPubSub } from "./pub-sub.ts";
import { openSecretStore } from "./secret-store.ts";
import { openStateStore } from "./state-store.ts";

/** One manifest for each kind of component behind the socket. */
export function manifestsOf(endpoint: Endpoint): readonly Manifest[] {
  const { name, services, socket } = endpoint;
  if (name === "") return [];
  const all: Manifest[] = [];
  const offer = <K extends Kind>(
    service: { readonly typeName: string },
    kind: K,
    open: (
      endpoint: Endpoint,
      ...rest: Parameters<Manifest<K>["open"]>
    ) => ReturnType<Manifest<K>["open"]>,
  ): void => {
    if (!services.has(service.typeName)) return;
    all.push(
      defineComponent({
        kind,
        type: `${kind.split(".", 1)[0]}.${name.toLowerCase()}`,
        version: "v1",
        targets: ["node"],
        about: `The component behind ${socket}.`,
        options: {},
        remote: true,
        open: (spec, host) => open(endpoint, spec, host),
      }) as unknown as Manifest,
    );
  };
  offer(StateStore, "state", openStateStore);
  offer(PubSub, "pubsub", openPubSub);
  offer(InputBinding, "bindings.input", openInputBinding);
  offer(OutputBinding, "bindings.output", openOutputBinding);
  offer(SecretStore, "secretstores", openSecretStore);
  return all;
}
