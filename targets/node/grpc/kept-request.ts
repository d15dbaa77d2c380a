import { type ClientHttp2Stream, constants, type ServerHttp2Stream } from "node:http2";
import { CallFault, tooLarge } from "./call-fault.ts";
import { SizeWatch } from "./frames.ts";
import { code } from "./status.ts";

/** A caller's messages on their way to one callee after the other; kept where they may have to be sent again. */
export class KeptRequest {
  readonly #down: ServerHttp2Stream;
  readonly #repeats: boolean;
  readonly #maxBytes: number;
  readonly #sizes: SizeWatch;
  readonly #kept: Buffer[] = [];
  #hasEnded = false;
  #isRead = false;
  #up: ClientHttp2Stream | undefined;
  #failed: (reason: CallFault) => void = () => {};

  constructor(down: ServerHttp2Stream, repeats: boolean, maxBytes: number) {
    this.#down = down;
    this.#repeats = repeats;
    this.#maxBytes = maxBytes;
    this.#sizes = new SizeWatch(maxBytes);
  }
  /** What has come so far goes there, and what comes; `failed`: it cannot be sent at all. */
  sendTo(up: ClientHttp2Stream, failed: (reason: CallFault) => void): void {
    this.#up = up;
    this.#failed = failed;
    // Whoever it was held back for is gone.
    up.once("close", () => this.#down.resume());
    for (const chunk of this.#kept) up.write(chunk);
    if (this.#hasEnded) up.end();
    if (this.#isRead) return void this.#down.resume();
    this.#isRead = true;
    this.#down.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#down.once("end", () => {
      // So does one that is reset.
      if (this.#down.rstCode !== constants.NGHTTP2_NO_ERROR) return;
      this.#hasEnded = true;
      this.#up?.end();
    });
  }
  #take(chunk: Buffer): void {
    const up = this.#up;
    if (!this.#sizes.fits(chunk)) return this.#failed(tooLarge(this.#maxBytes));
    if (this.#repeats) {
      // Dapr's words.
      if (this.#sizes.messages > 1)
        return this.#failed(
          new CallFault(
            code.failedPrecondition,
            "cannot use resiliency policies with retries on streaming RPCs",
          ),
        );
      this.#kept.push(chunk);
    }
    if (!up || up.destroyed || up.writableEnded || up.write(chunk)) return;
    this.#down.pause();
    up.once("drain", () => this.#down.resume());
  }
}
