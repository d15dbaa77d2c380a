/** Who somebody is, as a certificate proves it or as this runtime knows it of the apps that it hosts. */
export interface Workload {
  readonly trustDomain: string;
  /** Never empty: apps without a namespace are of `default`. */
  readonly namespace: string;
  readonly appId: string;
}

/** Of apps whose Configuration names none. */
export const defaultTrustDomain = "public";

/** `spiffe://<trust domain>/ns/<namespace>/<app id>`, as Dapr spells identities. */
export function spiffeId({ trustDomain, namespace, appId }: Workload): string {
  return `spiffe://${trustDomain}/ns/${namespace}/${appId}`;
}

/** A SPIFFE ID taken apart; `undefined` for what is none of Dapr's form. Segments after the app id are Dapr's to ignore. */
export function parseSpiffeId(id: string): Workload | undefined {
  const match = /^spiffe:\/\/([a-z0-9._-]+)\/ns\/([^/?#%]+)\/([^/?#%]+)(?:\/[^?#]*)?$/.exec(id);
  if (!match) return undefined;
  return {
    trustDomain: match[1] as string,
    namespace: match[2] as string,
    appId: match[3] as string,
  };
}
