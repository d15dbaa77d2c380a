import { messageOf } from "#core/errors/component-error.ts";
import { compileCondition, type Condition } from "#core/util/condition.ts";
import type { SubscriptionRoutes } from "#core/resources/declared-subscription.ts";

/** Rules compiled once, evaluated for every event. */
export interface Routes {
  /** Where the event goes; `undefined` where no rule wants it. Throws when a rule cannot be evaluated. */
  path(event: unknown): string | undefined;
}
interface Rule {
  /** Absent: takes every event. */
  readonly condition?: Condition;
  readonly path: string;
}

/** Rules in their order, then the default. Throws for a rule that is not valid CEL. */
export function compileRoutes(routes: SubscriptionRoutes): Routes {
  const rules = routes.rules.map(compileRule);
  return {
    path: (event) => {
      for (const { condition, path } of rules)
        if (!condition || condition.test({ event })) return path;
      return routes.default;
    },
  };
}

function compileRule({ match, path }: SubscriptionRoutes["rules"][number]): Rule {
  if (match === undefined || match.trim() === "") return { path };
  try {
    return { condition: compileCondition(match), path };
  } catch (reason) {
    const fault = messageOf(reason).split("\n", 1)[0];
    const shown = match.length > 200 ? `${match.slice(0, 200)}…` : match;
    throw new Error(`Cannot read the rule ${JSON.stringify(shown)}: ${fault}`, { cause: reason });
  }
}
