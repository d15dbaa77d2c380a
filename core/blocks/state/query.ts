import { wholeAnswer } from "#core/errors/component-answer.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { ApiError } from "#core/errors/api-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { StateQueryItem, StateQueryResult } from "#core/ports/state-store.ts";
import { stateError, stateResource } from "./errors.ts";
import { separator } from "./keys.ts";
import { storeOf } from "./operations.ts";
import { parseQuery } from "./query-text.ts";
import { stateFacts } from "./facts.ts";

export interface QueryState {
  readonly store: string;
  /** The query document, as the caller wrote it. */
  readonly query: string;
}

/** The app's values that match, under the keys it knows. No results means that nothing matches. */
export const queryState: Operation<QueryState, StateQueryResult> = defineOperation(
  "state.query",
  stateFacts("QueryStateAlpha1", "query"),
  async (call, { store, query }) => {
    const { port, keyPrefix } = storeOf(call, store);
    if (!port.query) throw unsupported(store);
    const parsed = parsedQuery(store, query);
    try {
      for (let token = parsed.page.token; ;) {
        const page = token === undefined ? parsed.page : { ...parsed.page, token };
        const found = await port.query({ ...parsed, page, metadata: call.metadata }, call);
        const results = ownOf(found.results, keyPrefix);
        // A page of other apps' values alone says nothing about the next one.
        const over = found.token === undefined || found.token === token;
        if (results.length > 0 || found.results.length === 0 || over) return { ...found, results };
        token = found.token;
      }
    } catch (reason) {
      call.signal.throwIfAborted();
      throw wholeAnswer(reason) ?? failed(store, messageOf(reason), reason);
    }
  },
);

/** Dapr: gives out every app's values, and actors' too, whose keys have more parts. */
function ownOf(items: readonly StateQueryItem[], prefix: string): readonly StateQueryItem[] {
  return items.flatMap((item) => {
    if (!item.key.startsWith(prefix)) return [];
    const key = item.key.slice(prefix.length);
    return key.includes(separator) ? [] : [{ ...item, key }];
  });
}

function parsedQuery(store: string, query: string): ReturnType<typeof parseQuery> {
  try {
    return parseQuery(query);
  } catch (reason) {
    throw failed(store, `failed to parse JSON query body: ${messageOf(reason)}`, reason);
  }
}

function unsupported(store: string): ApiError {
  return stateError("QUERYING_NOT_SUPPORTED", "state store does not support querying", {
    details: [
      stateResource(store),
      { type: "ErrorInfo", reason: "DAPR_STATE_QUERYING_NOT_SUPPORTED", metadata: null },
    ],
  });
}

function failed(store: string, why: string, cause: unknown): ApiError {
  return stateError("ERR_STATE_QUERY", `state store ${store} query failed: ${why}`, {
    cause,
    details: [
      stateResource(store),
      { type: "ErrorInfo", reason: "DAPR_STATE_QUERY_FAILED", metadata: null },
    ],
  });
}
