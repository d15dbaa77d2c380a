/** Where a document stands; documents of a file count from 1. */
export interface Origin {
  readonly file: string;
  readonly document: number;
}
/** What every resource has. */
export interface ResourceHead {
  readonly name: string;
  /** Empty when the document names none. */
  readonly namespace: string;
  /** App ids that may use it; empty means all. */
  readonly scopes: readonly string[];
  readonly origin: Origin;
}
