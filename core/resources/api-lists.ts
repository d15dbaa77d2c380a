import type { Fields } from "./fields.ts";

/** A block of the API as `api.allowed` and `api.denied` name it. */
export interface ApiRule {
  /** For example `state`. */
  readonly name: string;
  /** For example `v1`, `v1alpha1`; the older form, of HTTP only, is that of the path (`v1.0-alpha1`). */
  readonly version: string;
  readonly protocol: "http" | "grpc";
}
/** The lists of one app. Rules for one protocol say nothing about the other. */
export interface ApiLists {
  readonly allowed: readonly ApiRule[];
  readonly denied: readonly ApiRule[];
}

/** `api.allowed[]` and `api.denied[]`. */
export function readApiLists(api: Fields): ApiLists {
  const lists = {
    allowed: api.list("allowed").map(readRule),
    denied: api.list("denied").map(readRule),
  };
  api.done();
  return lists;
}

/** Dapr passes over a rule that it cannot place; that would leave open what the document closes. */
function readRule(rule: Fields): ApiRule {
  const read: ApiRule = {
    name: rule.required("name"),
    version: rule.required("version"),
    protocol: rule.word("protocol", ["http", "grpc"]) ?? "http",
  };
  if (!rule.text("protocol")) rule.error("protocol", "is missing; make it http or grpc");
  rule.done();
  return read;
}
