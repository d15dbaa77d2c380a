import { type IncomingMessage, ServerResponse } from "node:http";

const nothing = Buffer.alloc(0);
/** Node's own text of an answer's head; a test fails when it goes. */
interface Head {
  readonly _header: string | null;
}

/**
 * An answer whose headers go out one byte a character. Node writes the head together with the first piece of the body
 * and, where that is a text, in its encoding: bytes above 127 would become UTF-8 once more.
 */
export class BytesResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  override flushHeaders(): void {
    this.write(nothing);
  }
  override end(...args: readonly unknown[]): this {
    const [chunk] = args;
    const isText = typeof chunk === "string" && typeof args[1] !== "string";
    const given = isText && this.#holdsBytes() ? [Buffer.from(chunk), ...args.slice(1)] : args;
    return (super.end as (...all: readonly unknown[]) => this)(...given);
  }
  #holdsBytes(): boolean {
    const { _header: head } = this as unknown as Head;
    return head !== null && /[\u0080-\u00ff]/.test(head);
  }
}
