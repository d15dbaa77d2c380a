import type { ApiLists, ApiRule } from "#core/resources/api-lists.ts";

/** What is called. */
export interface Api extends ApiRule {
  /** Over HTTP: the route without its first slash, which rules of the older form name by its beginning. */
  readonly route?: string;
}

/** True for what no rule denies, and some rule allows where there are any that allow. */
export function isAllowed({ allowed, denied }: ApiLists, api: Api): boolean {
  if (denied.some((rule) => matches(rule, api))) return false;
  const inForce = allowed.filter(({ protocol }) => protocol === api.protocol);
  return inForce.length === 0 || inForce.some((rule) => matches(rule, api));
}

function matches({ name, version, protocol }: ApiRule, api: Api): boolean {
  if (protocol !== api.protocol) return false;
  if (name === api.name && version === api.version) return true;
  return api.route?.startsWith(`${version}/${name}`) === true;
}

/** The API of an operation behind a route of HTTP; `undefined` for what no list can name, which cannot be denied. */
export function httpApi(name: string | undefined, path: string): Api | undefined {
  if (name === undefined) return undefined;
  const route = path.replace(/^\//, "");
  // The path says v1.0-alpha1 where a rule says v1alpha1.
  const version = (route.split("/", 1)[0] as string).replace(".0", "").replace("-", "");
  return { protocol: "http", name, version, route };
}

/** The API of an operation behind an rpc, whose name ends in `Alpha1` and the like unless it is stable. */
export function grpcApi(name: string | undefined, rpc: string): Api {
  // What no list can name only a list of what is allowed keeps out.
  if (name === undefined) return { protocol: "grpc", name: "", version: "" };
  const stage = /(?:Alpha|Beta)\d+$/.exec(rpc)?.[0].toLowerCase() ?? "";
  return { protocol: "grpc", name, version: `v1${stage}` };
}

/** What every path that no route takes belongs to. */
export const invokeApi: Api = {
  protocol: "http",
  name: "invoke",
  version: "v1",
  route: "v1.0/invoke/*",
};
