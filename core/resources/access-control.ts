import { defaultTrustDomain } from "#core/identity/workload.ts";
import type { Fields } from "./fields.ts";

export interface AccessOperation {
  readonly name: string;
  /** Compared as written with verbs in upper case; `*` is every verb. */
  readonly httpVerb: readonly string[];
  /** Only `allow`, in any case, allows. */
  readonly action: string;
}
export interface AccessPolicy {
  readonly appId: string;
  readonly namespace: string;
  readonly trustDomain: string;
  /** Empty: the default of the whole section counts. */
  readonly defaultAction: string;
  readonly operations: readonly AccessOperation[];
}
export interface AccessControlSpec {
  readonly trustDomain: string;
  readonly defaultAction: string;
  readonly policies: readonly AccessPolicy[];
}

/** The section `accessControl`; `undefined` where it says nothing, so that everything is allowed. */
export function readAccessControl(fields: Fields): AccessControlSpec | undefined {
  const trustDomain = fields.text("trustDomain") ?? "";
  const given = fields.text("defaultAction") ?? "";
  const list = fields.raw("policies");
  const policies = fields.list("policies").map(readPolicy);
  fields.done();
  if (trustDomain === "" && given === "" && policies.length === 0) return undefined;
  // Dapr: who writes rules and no default wants the safe one; who writes an empty list of rules wants none.
  const isOpen = given === "" && Array.isArray(list) && list.length === 0;
  return {
    trustDomain: trustDomain || defaultTrustDomain,
    defaultAction: given || (isOpen ? "allow" : "deny"),
    policies,
  };
}

function readPolicy(of: Fields): AccessPolicy {
  const operations = of.list("operations").map((each, i, all) => {
    const operation = {
      name: each.required("name"),
      httpVerb: each.texts("httpVerb"),
      action: each.text("action") ?? "",
    };
    each.done();
    warnAbout(each, operation, all.slice(0, i));
    return operation;
  });
  const policy = {
    appId: of.required("appId"),
    namespace: of.required("namespace"),
    trustDomain: of.required("trustDomain"),
    defaultAction: of.text("defaultAction") ?? "",
    operations,
  };
  of.done();
  return policy;
}

/** Rules that never count, or not as they look. */
function warnAbout(
  fields: Fields,
  { name, httpVerb }: AccessOperation,
  before: readonly Fields[],
): void {
  const path = (text: string): string => (text.startsWith("/") ? text : `/${text}`);
  for (const verb of httpVerb)
    if (verb !== verb.toUpperCase())
      fields.warn("httpVerb", `has "${verb}", which never matches; write ${verb.toUpperCase()}`);
  if (/\/\*\//.test(path(name)))
    fields.warn(
      "name",
      `is "${name}": a bare "*" in the middle never matches; use "**" at the end`,
    );
  for (const other of before) {
    const earlier = path(other.text("name") ?? "");
    if (path(name) === earlier || path(name).startsWith(`${earlier}/`))
      fields.warn("name", `is "${name}", which the earlier entry "${earlier}" covers already`);
  }
}
