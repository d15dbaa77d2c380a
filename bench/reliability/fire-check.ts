import { type Distribution, distributionOf } from "./percentiles.ts";
import type { PlannedReminder } from "./reminder-plan.ts";

/** Compares fires with what was planned. */
export interface FireCheck {
  fired(namespace: string, id: string, name: string, at: number): void;
  /** Times at which nothing has fired yet. */
  readonly missing: number;
  /** A runtime of the namespace has died. */
  died(namespace: string, at: number): void;
  result(): FireResult;
}
export interface FireResult {
  /** Times that were due, and of these the ones at which the reminder has fired. */
  readonly due: number;
  readonly fired: number;
  /** Fires beyond one for each time: a death makes some of them. */
  readonly repeated: number;
  /** From when it was due. */
  readonly lateMs: Distribution;
  /** From when it was due, or from the end of the lease of the last runtime that had died by then. */
  readonly lateAfterRecoveryMs: Distribution;
  readonly faults: readonly string[];
}

/** How long others have to take a runtime for alive that has died. */
export const leaseMs = 5000;
const mostLateMs = 5000;
const mostFaults = 10;

interface Kept {
  readonly plan: PlannedReminder;
  /** How often, by the number of the time. */
  readonly fires: number[];
}

export function createFireCheck(plans: readonly PlannedReminder[]): FireCheck {
  const keyOf = (...parts: readonly string[]): string => JSON.stringify(parts);
  const kept = new Map<string, Kept>(
    plans.map((plan) => [
      keyOf(plan.namespace, plan.id, plan.name),
      { plan, fires: Array.from({ length: plan.fires }, () => 0) },
    ]),
  );
  let missing = plans.reduce((sum, { fires }) => sum + fires, 0);
  const deaths = new Map<string, number>();
  const late: number[] = [];
  const lateAfter: number[] = [];
  const faults: string[] = [];
  let wrong = 0;
  let repeated = 0;
  const fault = (text: string): void => {
    wrong++;
    if (faults.length < mostFaults) faults.push(text);
  };
  return {
    get missing() {
      return missing;
    },
    fired: (namespace, id, name, at) => {
      const key = keyOf(namespace, id, name);
      const found = kept.get(key);
      if (!found) return fault(`${key} was never registered, and fired`);
      const { dueAt, periodMs, fires } = found.plan;
      const elapsed = at - dueAt;
      if (elapsed < 0) return fault(`${key} fired ${-elapsed} ms early`);
      const number = fires === 1 ? 0 : Math.floor(elapsed / periodMs);
      if (number >= fires) return fault(`${key} fired ${number + 1} periods after its first time`);
      const lateMs = elapsed - number * periodMs;
      const before = found.fires[number] ?? 0;
      found.fires[number] = before + 1;
      const isFirst = before === 0;
      const recovered = (deaths.get(namespace) ?? -Infinity) + leaseMs;
      const due = at - lateMs;
      const lateAfterMs = recovered > due ? Math.max(0, at - recovered) : lateMs;
      if (!isFirst) repeated++;
      else {
        missing--;
        late.push(lateMs);
        lateAfter.push(lateAfterMs);
      }
      // Also one that is early for its next time looks like this.
      if (lateAfterMs > mostLateMs && isFirst)
        fault(`${key} fired ${lateMs} ms after it was due, ${lateAfterMs} ms after recovery`);
      if (
        fires > 1 &&
        !isFirst &&
        lateMs > 2 * leaseMs + mostLateMs &&
        periodMs - lateMs < mostLateMs
      )
        fault(`${key} fired ${periodMs - lateMs} ms before it was due`);
    },
    died: (namespace, at) => void deaths.set(namespace, at),
    result: () => {
      let [due, fired] = [0, 0];
      for (const [key, { fires }] of kept)
        for (const [number, count] of fires.entries()) {
          due++;
          if (count > 0) fired++;
          else fault(`${key} did not fire for time ${number + 1} of ${fires.length}`);
        }
      if (wrong > faults.length) faults.push(`and ${wrong - faults.length} faults more`);
      return {
        due,
        fired,
        repeated,
        lateMs: distributionOf(late),
        lateAfterRecoveryMs: distributionOf(lateAfter),
        faults,
      };
    },
  };
}
