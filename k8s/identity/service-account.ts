/** A ServiceAccount, by where it is. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`, as flags and messages have it. */
export function accountText({ namespace, name }: ServiceAccount): string {
  return `${namespace}/${name}`;
}

/** Reads `namespace/name`. Throws with `flag`, whose value it is. */
export function parseAccount(text: string, flag: string): ServiceAccount {
  const [namespace = "", name = "", ...rest] = text.split("/");
  if (!isNamespace(namespace) || !isObjectName(name) || rest.length > 0)
    throw new Error(`--${flag} must be namespace/name of a ServiceAccount, not "${text}"`);
  return { namespace, name };
}

/** A ServiceAccount of a runtime that several nodes share, and the namespaces that it may speak for. */
export interface SharedAccount extends ServiceAccount {
  readonly namespaces: ReadonlySet<string> | "all";
}

/** Reads `namespace/name=ns1,ns2` and `namespace/name=*`. Throws with `flag`, whose value it is. */
export function parseSharedAccount(text: string, flag: string): SharedAccount {
  const at = text.indexOf("=");
  const account = parseAccount(at < 0 ? text : text.slice(0, at), flag);
  const listed = at < 0 ? [] : text.slice(at + 1).split(",");
  if (listed.length === 1 && listed[0] === "*") return { ...account, namespaces: "all" };
  if (listed.length === 0 || !listed.every(isNamespace))
    throw new Error(`--${flag} must be namespace/name=ns1,ns2 or namespace/name=*, not "${text}"`);
  return { ...account, namespaces: new Set(listed) };
}

/** True for what may be a Namespace: a DNS label. */
export function isNamespace(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}
/** True for what may be a Pod, a ServiceAccount or another named object: a DNS subdomain. */
export function isObjectName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(text)
  );
}
