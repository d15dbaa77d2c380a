import type { CallOptions } from "./component.ts";
import type { HeaderList, PlainResponse } from "./platform.ts";

/** An actor as its app knows it. */
export interface ActorName {
  readonly type: string;
  readonly id: string;
}
/** A call of a method of an actor. */
export interface ActorCall {
  /** Cleaned, not encoded; may hold slashes. */
  readonly method: string;
  /** Without "?". */
  readonly query: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
}
/** A timer that ticks, as it was registered. */
export interface ActorTick {
  readonly name: string;
  readonly callback: string;
  readonly dueTime: string;
  readonly period: string;
  /** JSON text; `undefined`: it was registered without. */
  readonly data: string | undefined;
}
/** A reminder that fires. */
export interface ActorReminder {
  readonly name: string;
  /** JSON text; `undefined`: it was registered without. */
  readonly data: string | undefined;
}

/**
 * The app, as the one that runs turns of actors: an HTTP app behind its routes, or one that has subscribed to them over
 * gRPC. All reject only when no answer came.
 */
export interface ActorHost {
  invoke(actor: ActorName, call: ActorCall, options: CallOptions): Promise<PlainResponse>;
  remind(actor: ActorName, reminder: ActorReminder, options: CallOptions): Promise<PlainResponse>;
  tick(actor: ActorName, timer: ActorTick, options: CallOptions): Promise<PlainResponse>;
  /** The actor leaves this host. */
  deactivate(actor: ActorName, options: CallOptions): Promise<PlainResponse>;
}
