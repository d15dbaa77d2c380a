/** Every port method takes these last. A component stops as soon as it can when the signal fires. */
export interface CallOptions {
  readonly signal: AbortSignal;
  /** The call came over this protocol of the API, so that policies compare failures by its statuses; absent means gRPC. */
  readonly wire?: "http";
}

/** What every opened component is. `ping` is its health; disposing closes its connections. */
export interface Component extends AsyncDisposable {
  ping?(options: CallOptions): Promise<void>;
}

/** Name/value pairs of a request, a message or a component, as the wire carries them. */
export type Metadata = Readonly<Record<string, string>>;
export const noMetadata: Metadata = Object.freeze({});

/** Text (UTF-8 on the wire) or bytes; whoever has text keeps it text, so that nothing is encoded twice. */
export type Data = string | Uint8Array;
