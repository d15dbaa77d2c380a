import type { StateQuery } from "#core/ports/state-store.ts";
import { isRecord, jsonErrorText, jsonTypeOf, parseJson } from "#core/util/json.ts";

const comparisons: ReadonlySet<string> = new Set(["EQ", "NEQ", "GT", "GTE", "LT", "LTE"]);
const combinations: ReadonlySet<string> = new Set(["AND", "OR"]);

/** A query document, checked. Throws what Dapr says of one that is none. */
export function parseQuery(text: string): Omit<StateQuery, "metadata"> {
  const document = fieldsOf(parsed(text), "query.QueryFields");
  const filter = document["filter"] ?? {};
  const fields = fieldsOf(filter, "map[string]interface {}", "QueryFields.filter");
  for (const _ in fields) {
    checkFilter(fields);
    return { filter: fields, ...rest(document) };
  }
  return rest(document);
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (reason) {
    if (!(reason instanceof SyntaxError)) throw reason;
    const why = jsonErrorText(text);
    throw new Error(why.endsWith("EOF") ? "unexpected end of JSON input" : why, { cause: reason });
  }
}

function rest(document: Readonly<Record<string, unknown>>): Pick<StateQuery, "sort" | "page"> {
  const sort = document["sort"] ?? [];
  if (!Array.isArray(sort)) throw mismatch(sort, "[]query.Sorting", "QueryFields.sort");
  return { sort: sort.map(sorting), page: paging(document["page"] ?? {}) };
}

/** Dapr: whatever is not DESC is ascending. */
function sorting(entry: unknown): StateQuery["sort"][number] {
  const { key, order } = fieldsOf(entry, "query.Sorting", "QueryFields.sort");
  const direction = textOf(order, "Sorting.sort.order");
  return { key: textOf(key, "Sorting.sort.key"), order: direction === "DESC" ? "DESC" : "ASC" };
}

function paging(entry: unknown): StateQuery["page"] {
  const { limit = 0, token } = fieldsOf(entry, "query.Pagination", "QueryFields.page");
  if (limit !== null && !Number.isSafeInteger(limit))
    throw mismatch(limit, "int", "Pagination.page.limit");
  const from = textOf(token, "Pagination.page.token");
  const most = (limit as number | null) ?? 0;
  return { ...(most > 0 ? { limit: most } : {}), ...(from === "" ? {} : { token: from }) };
}

function checkFilter(filter: unknown): void {
  if (!isFields(filter)) throw new Error("filter unit must be a map");
  const units = Object.entries(filter);
  if (units.length !== 1) throw new Error("filter unit must have a single element");
  const [operator, operand] = units[0] as [string, unknown];
  if (combinations.has(operator)) checkAll(operator, operand);
  else if (comparisons.has(operator)) checkPair(operator, operand);
  else if (operator === "IN") {
    if (!Array.isArray(checkPair(operator, operand)))
      throw new Error("IN filter value must be an array");
  } else throw new Error(`unsupported filter ${JSON.stringify(operator)}`);
}

function checkPair(operator: string, operand: unknown): unknown {
  if (!isFields(operand)) throw new Error(`${operator} filter must be a map`);
  const values = Object.values(operand);
  if (values.length !== 1)
    throw new Error(`${operator} filter must contain a single key/value pair`);
  return values[0];
}

function checkAll(operator: string, operand: unknown): void {
  if (!Array.isArray(operand)) throw new Error(`${operator} filter must be an array`);
  if (operand.length < 2) throw new Error(`${operator} filter must contain at least two entries`);
  for (const unit of operand) checkFilter(unit);
}

function isFields(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && jsonTypeOf(value) === "object";
}
function fieldsOf(value: unknown, type: string, field?: string): Record<string, unknown> {
  if (value === null) return {};
  if (!isFields(value)) throw mismatch(value, type, field);
  return value;
}
function textOf(value: unknown, field: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw mismatch(value, "string", field);
  return value;
}
function mismatch(value: unknown, type: string, field?: string): Error {
  const where = field === undefined ? "value" : `struct field ${field}`;
  return new Error(`json: cannot unmarshal ${jsonTypeOf(value)} into Go ${where} of type ${type}`);
}
