/** The origins that browsers may call from. */
export interface Origins {
  allows(origin: string): boolean;
  /** True: `*` stands for any origin. */
  readonly all: boolean;
}

/** `--allowed-origins`: `*`, or a comma-separated list in which an origin may hold one `*`; empty means that CORS is off. */
export function parseOrigins(text: string): Origins | undefined {
  const list = text
    .split(",")
    .map((origin) => origin.trim().toLowerCase())
    .filter((origin) => origin !== "");
  if (list.length === 0) return undefined;
  if (list.includes("*")) return { all: true, allows: () => true };
  const exact = new Set(list.filter((origin) => !origin.includes("*")));
  const patterns = list.filter((origin) => origin.includes("*")).map(splitAtStar);
  return {
    all: false,
    allows: (origin) => {
      const wanted = origin.toLowerCase();
      return (
        exact.has(wanted) ||
        patterns.some(
          ([start, end]) =>
            wanted.length >= start.length + end.length &&
            wanted.startsWith(start) &&
            wanted.endsWith(end),
        )
      );
    },
  };
}
function splitAtStar(origin: string): readonly [start: string, end: string] {
  const star = origin.indexOf("*");
  return [origin.slice(0, star), origin.slice(star + 1)];
}
