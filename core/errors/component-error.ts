import type { Metadata } from "#core/ports/component.ts";
import type { ComponentAnswer } from "./component-answer.ts";

/** Why a component failed. Policies decide by kind, never by message text. */
export type FailureKind =
  | "etag-mismatch"
  | "etag-invalid"
  /** The writer has been superseded: a store has seen a greater fence. */
  | "fenced"
  | "unsupported"
  | "unavailable"
  | "rejected"
  | "timeout";

const brand = Symbol.for("outrigger.ComponentError");

/** A component's failure, by kind. Components never name API codes. */
export class ComponentError extends Error {
  override readonly name = "ComponentError";
  readonly kind: FailureKind;
  /** What the far side said beside the failure (an HTTP binding's headers); goes to the caller. */
  readonly metadata: Metadata | undefined;
  /** What the far side answered, of HTTP or gRPC, for policies that look at it. */
  readonly status: number | undefined;
  /** What the component wants the caller to be told. */
  readonly answer: ComponentAnswer | undefined;
  constructor(
    kind: FailureKind,
    message: string,
    options?: {
      readonly cause?: unknown;
      readonly metadata?: Metadata;
      readonly status?: number;
      readonly answer?: ComponentAnswer;
    },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.metadata = options?.metadata;
    this.status = options?.status;
    this.answer = options?.answer;
    Object.defineProperty(this, brand, { value: true });
  }
  static is(value: unknown): value is ComponentError {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** The text of anything thrown. */
export function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
