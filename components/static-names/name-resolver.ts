import type { ComponentSpec } from "#core/ports/manifest.ts";
import type { NameResolver } from "#core/ports/name-resolver.ts";

/** The table is all there is: announcing changes nothing. */
export function open({ metadata }: ComponentSpec): NameResolver {
  const hosts = readHosts(metadata["hosts"] ?? "");
  return {
    announce: async () => {},
    resolve: async ({ appId, namespace }) => {
      const address = hosts.get(`${appId}.${namespace}`) ?? hosts.get(appId);
      if (address === undefined) throw new Error(`no address is known for app id ${appId}`);
      return address;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function readHosts(text: string): ReadonlyMap<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) throw new Error("hosts: must map app ids to host:port");
  for (const [app, address] of entries)
    if (typeof address !== "string" || !/:\d+$/.test(address))
      throw new Error(`hosts: ${app} must be host:port`);
  return new Map(entries as Array<[string, string]>);
}
