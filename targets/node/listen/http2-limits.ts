/** Of one message between runtimes. */
export const maxPeerHeaderBytes: number = 1 << 20;

/** Of sessions whose messages are limited by the size of their headers and not, as is Node's way, by their number. */
export interface WideHeaders {
  readonly maxHeaderListPairs: number;
  readonly maxSendHeaderBlockLength: number;
  readonly strictSingleValueFields: boolean;
}
export const wideHeaders: WideHeaders = {
  // As many as a list of 1 MiB can hold: each counts 32 bytes more than its texts.
  maxHeaderListPairs: 1 << 15,
  maxSendHeaderBlockLength: 1 << 20,
  // A header that should stand once and does not is the app's business, and no reason to fail.
  strictSingleValueFields: false,
};
