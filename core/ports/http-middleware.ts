import type { CallOptions, Component } from "./component.ts";
import type { PlainRequest, PlainResponse } from "./platform.ts";

/** A request on its way through a pipeline. Copy it with what changes (`{ ...request, path }`); passed on as it came, it costs nothing. */
export interface PipelineRequest extends PlainRequest {
  /** Address of the peer; absent where the platform does not tell it, and on calls to the app. */
  readonly remoteAddress?: string;
  /** Largest body that may be read into memory. */
  readonly maxBodyBytes: number;
}

/** The rest of the pipeline, and what stands behind it. */
export type NextHandler = (request: PipelineRequest) => Promise<PlainResponse>;

/** A handler of `httpPipeline` or `appHttpPipeline`: answers by itself, or changes what goes in and comes out. */
export interface HttpMiddleware extends Component {
  /** Rejects only for its own failure, which the caller sees as 500 without the reason; a refusal is an answer. */
  handle(request: PipelineRequest, next: NextHandler, options: CallOptions): Promise<PlainResponse>;
}
