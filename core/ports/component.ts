/** The last argument of every port method. */
export interface CallOptions {
  /**
   * When it fires, the component stops as soon as possible, and a call that has not resolved yet
   * rejects.
   */
  readonly signal: AbortSignal;
  /**
   * The protocol of the API that the call came in over. Resiliency policies compare failures by its
   * statuses. `undefined` means gRPC.
   */
  readonly wire?: "http";
}

/** The base of every opened component. Disposing it closes its connections. */
export interface Component extends AsyncDisposable {
  /**
   * Checks the connection to the technology. Absent if the component has no health check.
   *
   * @throws {Error} if the component is not healthy.
   */
  ping?(options: CallOptions): Promise<void>;
}

/** Name/value pairs of a request, a message or a component, in the form in which they are sent. */
export type Metadata = Readonly<Record<string, string>>;
/** Metadata without entries. */
export const noMetadata: Metadata = Object.freeze({});

/**
 * Text (sent as UTF-8) or bytes. Code that has text passes it on as text, so that nothing is
 * encoded twice.
 */
export type Data = string | Uint8Array;
