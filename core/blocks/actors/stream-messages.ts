import type { ActorName, ActorTick } from "#core/ports/actor-host.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { ActorConfiguration } from "./settings.ts";

/** What a host over gRPC sends first: what it hosts. */
export interface HostInitial {
  readonly kind: "initial";
  readonly configuration: ActorConfiguration;
}
/** Its answer to a request, by the request's id. */
export type HostAnswer = { readonly id: string } & (
  | {
      readonly kind: "invoke";
      readonly data: Uint8Array;
      readonly metadata: Metadata;
      /** The data describe an error of the actor. */
      readonly isError: boolean;
    }
  | {
      readonly kind: "reminder" | "timer";
      /** The reminder or timer is to end. */
      readonly cancels: boolean;
    }
  | { readonly kind: "deactivate" }
  | { readonly kind: "failed"; readonly code: number; readonly message: string }
);
/** Any message of it; `nothing` is one that holds none of these. */
export type HostMessage = HostInitial | HostAnswer | { readonly kind: "nothing" };

/** A request to a host over gRPC. */
export type NewRequest = { readonly actor: ActorName } & (
  | {
      readonly kind: "invoke";
      readonly method: string;
      readonly metadata: Metadata;
      readonly body: Uint8Array | undefined;
    }
  | {
      readonly kind: "reminder";
      readonly name: string;
      /** JSON text; `undefined`: it was registered without. */
      readonly data: string | undefined;
    }
  | { readonly kind: "timer"; readonly timer: ActorTick }
  | { readonly kind: "deactivate" }
);
/** The same on its way. `id`: a decimal counter that starts at 1 with each stream. */
export type HostRequest = NewRequest & { readonly id: string };
/** What the stream carries to the app: first that it is accepted. */
export type ToHost = { readonly kind: "started" } | HostRequest;
