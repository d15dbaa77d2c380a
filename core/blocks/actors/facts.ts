import type { DescribeSpan, OperationFacts } from "#core/kernel/operation.ts";

/** What an operation about an actor is given, as far as spans tell of it. */
interface Asked {
  readonly type: string;
  readonly id?: string | undefined;
  readonly method?: string;
}

/** Dapr: no id of an actor, and no name of a timer or reminder, ever stands in a span's name. */
export function actorFacts(endpoint: string): OperationFacts<Asked, unknown> {
  const describe: DescribeSpan = (span, { wire, asked }) => {
    if (!isAsked(asked)) return;
    const { type, id = "", method } = asked;
    if (wire === "http")
      span.name = method === undefined ? `${endpoint}/${type}` : `CallActor/${type}/${method}`;
    span.set("dapr.actor", `${type}.${id}`);
    if (method !== undefined) span.set("dapr.invoke_method", method);
  };
  return { api: "actors", endpoint, describe, metric: undefined };
}

function isAsked(asked: unknown): asked is Asked {
  return typeof asked === "object" && asked !== null && "type" in asked;
}
