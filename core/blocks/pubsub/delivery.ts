import type { App, Loaded } from "#core/kernel/app.ts";
import type { Guard } from "#core/resiliency/guard.ts";
import type { AppChannel, Clock, Log } from "#core/ports/platform.ts";

/** A delivery that may succeed when it is made again. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  /** What the app answered, for policies that look at it; absent when no answer came. */
  readonly status: number | undefined;
  constructor(message: string, options?: { readonly status?: number; readonly cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.status = options?.status;
  }
}

/** What a subscription's deliveries have in common. */
export interface Delivery {
  readonly app: App;
  readonly channel: AppChannel;
  readonly component: Loaded<"pubsub">;
  /** As the app names it. */
  readonly topic: string;
  readonly raw: boolean;
  /** A path as it stands in a request. */
  readonly requestPath: (path: string) => string;
  /** The app's path for an event; `undefined` when it wants no such event. Throws for a rule that cannot be evaluated. */
  readonly route: (event: unknown) => string | undefined;
  /** Empty when there is none. */
  readonly deadLetterTopic: string;
  /** The component's inbound policy: it may run a delivery again, or end it by its signal. */
  readonly inbound: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** True once the subscription or this delivery ends: what fails then goes back to the broker, not to the dead letters. */
  readonly closing: () => boolean;
  /** Ends the calls to the app. */
  readonly signal: AbortSignal;
}

export function fieldsOf({ app, component, topic }: Delivery): object {
  return { app_id: app.appId, pubsub: component.name, topic };
}
