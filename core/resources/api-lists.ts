import type { ApiLists, ApiRule } from "#core/api-access/rules.ts";
import type { Fields } from "./fields.ts";

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
