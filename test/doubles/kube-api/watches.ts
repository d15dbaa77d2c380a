import type { ServerResponse } from "node:http";
import type { DoubleWatch } from "../kube-api.ts";
import type { ResourcePath } from "./paths.ts";
import { type Change, selects, type Store } from "./store.ts";

export interface OpenWatch extends DoubleWatch {
  tell(change: Change): void;
  bookmark(): void;
}

/** Answers a watch, and goes on until it is over; `closed` is called then. */
export function openWatch(
  store: Store,
  at: ResourcePath,
  request: {
    readonly path: string;
    readonly query: URLSearchParams;
    readonly token: string | undefined;
  },
  response: ServerResponse,
  closed: (watch: OpenWatch) => void,
): OpenWatch {
  const { query } = request;
  const isSelected = selects(query);
  const apiVersion = at.group === "" ? at.version : `${at.group}/${at.version}`;
  let isFrozen = false;
  let kind: string | undefined;
  const send = (type: string, object: unknown): void => {
    if (!isFrozen && !response.writableEnded)
      response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const watch: OpenWatch = {
    path: request.path,
    query,
    token: request.token,
    tell: ({ path, before, object, isDeletion }) => {
      if (path.group !== at.group || path.plural !== at.plural) return;
      if (at.namespace !== undefined && path.namespace !== at.namespace) return;
      kind ??= object.kind;
      const was = before !== undefined && isSelected(before);
      const is = !isDeletion && isSelected(object);
      // An object that is no longer selected is gone for who watches.
      if (is) send(was ? "MODIFIED" : "ADDED", object);
      else if (was) send("DELETED", object);
    },
    bookmark: () => {
      if (query.get("allowWatchBookmarks") !== "true") return;
      const metadata = { resourceVersion: String(store.version), creationTimestamp: null };
      send("BOOKMARK", { kind: kind ?? "Object", apiVersion, metadata });
    },
    write: (text) => void response.write(text),
    end: () => void response.end(),
    cut: () => void response.destroy(),
    freeze: () => {
      isFrozen = true;
    },
  };
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  response.on("close", () => closed(watch));
  const from = query.get("resourceVersion") ?? "";
  if (from === "" || from === "0")
    for (const object of store.list(at).filter(isSelected)) send("ADDED", object);
  else if (Number(from) < store.compacted) {
    send("ERROR", {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      code: 410,
      reason: "Expired",
      message: `too old resource version: ${from} (${store.compacted})`,
    });
    response.end();
  } else for (const change of store.since(Number(from))) watch.tell(change);
  const seconds = Number(query.get("timeoutSeconds") ?? 0);
  if (seconds > 0) setTimeout(() => response.end(), seconds * 1000).unref();
  return watch;
}
