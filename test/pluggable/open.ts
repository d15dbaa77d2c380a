import type { Kind, Kinds, Manifest } from "#core/ports/manifest.ts";
import { withPluggable } from "#targets/node/pluggable/discover.ts";
import { testHost, type TestHost } from "#test/support/host.ts";

/** What a folder of sockets offers. */
export interface Offered {
  readonly manifests: readonly Manifest[];
  readonly host: TestHost;
  /** Opens the first component of the kind as the runtime would for the app "app". */
  open<K extends Kind>(kind: K, name: string, settings?: Settings): Promise<Kinds[K]>;
}
export interface Settings {
  readonly properties?: Readonly<Record<string, string>>;
  readonly initTimeoutMs?: number;
}

export async function discover(
  folder: string,
  builtIn: readonly Manifest[] = [],
): Promise<Offered> {
  const host = testHost({ env: { DAPR_COMPONENTS_SOCKETS_FOLDER: folder } });
  const manifests = await withPluggable(builtIn, host);
  return {
    manifests,
    host,
    open: async <K extends Kind>(
      kind: K,
      name: string,
      { properties = {}, initTimeoutMs = 5000 }: Settings = {},
    ): Promise<Kinds[K]> => {
      const manifest = manifests.find((each) => each.kind === kind) as unknown as Manifest<K>;
      const owner = { appId: "app", properties, initTimeoutMs };
      return manifest.open({ name, namespace: "", metadata: {}, owner }, host);
    },
  };
}
