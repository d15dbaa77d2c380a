const maxDepth = 64;

/** Throws for what is nested deeper than any resource: readers walk down by calling themselves. */
export function refuseDeep(value: unknown): void {
  if (isDeep(value, maxDepth))
    throw new Error(`it is nested deeper than ${maxDepth} levels or refers to itself`);
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return left === 0 || Object.values(value).some((each) => isDeep(each, left - 1));
}
