import type { Answers, FromGroup, Questions, ToGroup } from "../messages.ts";
import type { Socket } from "node:net";

/** The way to the supervisor; it holds the credentials of the cluster, the group does not. */
export interface SupervisorLink {
  /** Rejects with a `RefusedQuestionError` when the supervisor has no answer. */
  ask<Q extends keyof Questions>(
    question: Q,
    about: Questions[Q],
    signal?: AbortSignal,
  ): Promise<Answers[Q]>;
  tell(message: FromGroup): void;
  onMessage(run: (message: ToGroup, socket: Socket | undefined) => void): void;
  /** Fires when the supervisor is gone. */
  readonly gone: Promise<void>;
}
export class RefusedQuestionError extends Error {
  override readonly name = "RefusedQuestionError";
  /** As HTTP has it; 0: the API server did not answer. */
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a process with an IPC channel offers; `process` itself is one. */
export interface Channel {
  send?(message: unknown): boolean;
  on(event: "message", run: (message: unknown, handle: unknown) => void): unknown;
  once(event: "disconnect", run: () => void): unknown;
}
const answerMs = 20_000;

export function linkTo(channel: Channel): SupervisorLink {
  const waiting = new Map<
    number,
    { readonly resolve: (value: never) => void; readonly reject: (reason: Error) => void }
  >();
  const listeners: Array<(message: ToGroup, socket: Socket | undefined) => void> = [];
  let ids = 0;
  const gone = new Promise<void>((resolve) => channel.once("disconnect", resolve));
  channel.on("message", (given, handle) => {
    const message = given as ToGroup;
    if (message.type !== "answer") {
      for (const run of listeners) run(message, handle as Socket | undefined);
      return;
    }
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error)
      asked?.reject(new RefusedQuestionError(message.error.code, message.error.message));
    else asked?.resolve(message.value as never);
  });
  const tell = (message: FromGroup): void => void channel.send?.(message);
  return {
    tell,
    onMessage: (run) => void listeners.push(run),
    gone,
    ask: (question, about, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const id = ++ids;
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(id);
          signal?.removeEventListener("abort", abort);
        };
        const fail = (reason: Error): void => {
          end();
          reject(reason);
        };
        const abort = (): void => fail(signal?.reason as Error);
        const timer = setTimeout(
          () => fail(new RefusedQuestionError(0, "the supervisor did not answer in time")),
          answerMs,
        );
        signal?.addEventListener("abort", abort);
        waiting.set(id, {
          resolve: (value) => {
            end();
            resolve(value);
          },
          reject: fail,
        });
        tell({ type: "ask", id, question, about });
      }),
  };
}
