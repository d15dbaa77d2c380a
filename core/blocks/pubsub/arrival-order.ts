import type { SubscriptionView } from "#core/kernel/subscription-view.ts";

/** Dapr: subscriptions of documents come first, a document that has changed behind those that have not. */
export function createArrivalOrder(): (
  views: readonly SubscriptionView[],
) => readonly SubscriptionView[] {
  let arrived = new Map<string, number>();
  let last = 0;
  return (views) => {
    const before = arrived;
    const placed = views.map((view) => {
      const meaning = JSON.stringify(view);
      return { view, meaning, place: before.get(meaning) ?? ++last };
    });
    arrived = new Map(placed.map(({ meaning, place }) => [meaning, place]));
    const group = ({ type }: SubscriptionView): number => (type === "DECLARATIVE" ? 0 : 1);
    return placed
      .toSorted((a, b) => group(a.view) - group(b.view) || a.place - b.place)
      .map(({ view }) => view);
  };
}
