/** The value that so large a share of them does not exceed; 0 if there are none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export interface Distribution {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
export function distributionOf(values: readonly number[]): Distribution {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(percentile(sorted, share) * 100) / 100;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
