import type { CallOptions, Component } from "./component.ts";
import type { PlainRequest, PlainResponse } from "./platform.ts";

/**
 * A request on its way through a pipeline. To change it, pass on a copy (`{ ...request, path }`).
 * Passing on the same object costs nothing.
 */
export interface PipelineRequest extends PlainRequest {
  /**
   * Address of the peer. `undefined` for calls to the app, and if the platform does not provide it.
   */
  readonly remoteAddress?: string;
  /** Largest body that may be read into memory, in bytes. */
  readonly maxBodyBytes: number;
}

/** The rest of the pipeline, and the handler at its end. */
export type NextHandler = (request: PipelineRequest) => Promise<PlainResponse>;

/**
 * A handler of `httpPipeline` or `appHttpPipeline` in a Configuration (`middleware.http.*`
 * components). It either responds itself, or calls `next` and can change the request and the
 * response.
 */
export interface HttpMiddleware extends Component {
  /**
   * Handles one request. To refuse a request, resolve with a response.
   *
   * @throws {Error} only if the middleware itself fails. The caller then gets 500, without the
   *   reason.
   */
  handle(request: PipelineRequest, next: NextHandler, options: CallOptions): Promise<PlainResponse>;
}
