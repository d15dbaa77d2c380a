/** The namespace of a group that is one namespace's (`namespace/shop`, `dedicated/shop/cart`). */
export function namespaceOf(group: string): string | undefined {
  return /^(?:namespace|dedicated)\/([^/]+)/.exec(group)?.[1];
}
