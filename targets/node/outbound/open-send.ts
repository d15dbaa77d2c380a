import type { SendOutside } from "#core/ports/platform.ts";
import { dispatchBy, dispatchOptions } from "../channel/dispatch.ts";
import { passInterimResponses } from "../channel/interim-responses.ts";
import { openAgent } from "./open-agent.ts";
import type { ConnectOptions } from "./outside.ts";

/** Headers of an answer from outside, in bytes: others' servers follow no setting of ours. */
const maxHeaderSize = 1024 * 1024;
const connectMs = 15_000;

export function openSend(how: ConnectOptions): SendOutside {
  const agent = openAgent(how, {
    maxHeaderSize,
    connectTimeout: connectMs,
    // Dapr sets no time limit; whoever wants one says so in a resiliency policy.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Bytes come through HTTP/1 as they are.
    allowH2: false,
  });
  passInterimResponses(agent);
  const dispatch = dispatchBy(agent, false);
  return (request, options) => {
    const { origin, path } = partsOf(request.url);
    return dispatch({ origin, ...dispatchOptions(path, request) }, options);
  };
}

/** The path stays as it was written: a URL parser would resolve its dots and encode its bytes again. */
function partsOf(url: string): { readonly origin: string; readonly path: string } {
  const { origin, protocol } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:")
    throw new TypeError(`${protocol} is neither http: nor https:`);
  const [, path = ""] = /^[^:]*:\/*[^/?#]*([^#]*)/.exec(url) ?? [];
  return { origin, path: path.startsWith("/") ? path : `/${path}` };
}
