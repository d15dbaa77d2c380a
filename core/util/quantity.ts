const factors: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** Bytes of a Kubernetes quantity (`4Mi`, `4Ki`, `1M`, `1024`); `undefined` for any other text. */
export function parseQuantity(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)(|[kKMG]|[KMG]i)$/.exec(text);
  if (!match) return undefined;
  const bytes = Math.floor(Number(match[1]) * (factors[match[2] as string] as number));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
