import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Host } from "#core/ports/manifest.ts";
import type { NameResolver } from "#core/ports/name-resolver.ts";
import type { AppChannel, AppRef, PeerChannel } from "#core/ports/platform.ts";
import type { NameResolution } from "#core/resources/configuration.ts";
import type { Registry } from "#core/hosting/registry.ts";
import { maxPeerHeaderBytes } from "../listen/http2-limits.ts";
import { createHttp2Pool, type Http2Pool, type Http2PoolOptions } from "../channel/http2-pool.ts";
import { checkPeer } from "../mtls/check-peer.ts";
import type { WorkloadIdentity } from "../mtls/workload-identity.ts";
import { type PeerRoute, peerChannel } from "./peer-channel.ts";
import { serverNameOf } from "./server-name.ts";
import { endSilent } from "./silence.ts";

export interface AnnouncedApp extends AppRef {
  /** Of its internal port. */
  readonly port: number;
  /** The address that the port is at; absent means all. */
  readonly listensOn?: string | undefined;
}
/** Everything that leads to apps of other processes. */
export interface Peers extends PeerChannel, AsyncDisposable {
  at: NonNullable<PeerChannel["at"]>;
  /** At which host others reach a port that listens there; absent means on all addresses. */
  hostOf(listensOn: string | undefined): string;
  /** Makes an app known that this process hosts. What goes wrong is logged: the app itself works without. */
  announce(app: AnnouncedApp, by: NameResolution | undefined): Promise<void>;
  connect: PeerRoute["connect"];
}

const defaults: NameResolution = { component: "mdns", version: "v1", options: {} };
/** Dapr asks so often when a resolver answers an empty address. */
const emptyTries = 5;
const emptyMs = 100;
/** Another runtime answers pings whatever its app does. */
const silentMs = 15_000;
/** Between looks for pools that nobody needs. */
const unusedMs = 10 * 60_000;

/** One resolver for each way that the apps' Configurations name; calls are resolved by the first of them. */
export function createPeers(
  registry: Registry,
  host: Host,
  address: string,
  identityOf: (app: AppRef) => WorkloadIdentity | undefined = () => undefined,
): Peers {
  const resolvers = new Map<string, Promise<NameResolver | undefined>>();
  const silence = endSilent(silentMs);
  const pools = new Map<string, Http2Pool>();
  let unused = new Set<Http2Pool>();
  let lookedAt = 0;

  function resolverFor(given: NameResolution = defaults): Promise<NameResolver | undefined> {
    const key = JSON.stringify(given);
    let resolver = resolvers.get(key);
    if (!resolver) resolvers.set(key, (resolver = openResolver(registry, host, given)));
    return resolver;
  }
  /** With certificates a connection is one app's to another: both are proven once, when it is made. */
  function poolTo(at: string, to: AppRef, from: AppRef, id = ""): Http2Pool {
    const isSecure = identityOf(from) !== undefined;
    const names = isSecure ? [nameOf(to), nameOf(from)] : [];
    const key = isSecure || id !== "" ? JSON.stringify([at, id, ...names]) : at;
    let pool = pools.get(key);
    if (!pool) {
      dropUnused();
      const made = isSecure ? secure(at, to, () => identityOf(from)) : plain(at);
      pools.set(
        key,
        (pool = createHttp2Pool({
          ...made,
          maxHeaderBytes: maxPeerHeaderBytes,
          watch: silence.watch,
        })),
      );
    }
    return pool;
  }
  /** Nodes come and go, and apps with them. What has had no session at two looks goes. */
  function dropUnused(): void {
    const now = host.clock.now();
    if (now - lookedAt < unusedMs) return;
    lookedAt = now;
    const before = unused;
    unused = new Set();
    for (const [key, pool] of pools)
      if (!pool.isEmpty) continue;
      else if (before.has(pool)) pools.delete(key);
      else unused.add(pool);
  }
  async function resolve(
    to: AppRef,
    options: CallOptions,
  ): Promise<{ readonly at: string; readonly by: NameResolver }> {
    const [first] = resolvers.values();
    const by = await (first ?? resolverFor());
    if (!by) throw new Error("no host found with the given ID");
    for (let tries = 1; ; tries++) {
      const at = await by.resolve(to, options);
      if (at !== "") return { at, by };
      if (tries === emptyTries) throw new Error("no host found with the given ID");
      await host.clock.sleep(emptyMs, options);
    }
  }
  const connect: PeerRoute["connect"] = async (to, options, from) => {
    const { at, by } = await resolve(to, options);
    return { pool: poolTo(at, to, from), failed: () => by.forget?.(to, at) };
  };

  return {
    connect,
    at: (address, to, from) =>
      peerChannel(
        { connect: async () => ({ pool: poolTo(address, to, from, to.id), failed: () => {} }) },
        to,
        from,
      ),
    hostOf: (listensOn) => loopbackOf(listensOn) ?? address,
    // Whether anybody hosts it shows when it is called, in the resolver's own words.
    find: async (to, _options, from): Promise<AppChannel> => peerChannel({ connect }, to, from),
    announce: async ({ listensOn, ...app }, by) => {
      const resolver = await resolverFor(by);
      try {
        await resolver?.announce({ ...app, host: loopbackOf(listensOn) ?? address });
      } catch (reason) {
        host.log.error(
          `Other processes cannot find app "${app.appId}": name resolution failed: ${messageOf(reason)}`,
          { app_id: app.appId },
        );
      }
    },
    [Symbol.asyncDispose]: async () => {
      const opened = await Promise.all(resolvers.values());
      await Promise.allSettled(opened.map((resolver) => resolver?.[Symbol.asyncDispose]()));
      await Promise.allSettled([...pools.values()].map((pool) => pool[Symbol.asyncDispose]()));
      silence[Symbol.dispose]();
    },
  };
}

/** Dapr: whoever listens on loopback alone is found there, not at the address of the machine. */
function loopbackOf(address: string | undefined): string | undefined {
  return address === "localhost" ? "127.0.0.1" : loopback.find((each) => each === address);
}
const loopback = ["127.0.0.1", "::1"];

function nameOf({ namespace, appId }: AppRef): readonly string[] {
  return [namespace || "default", appId];
}
function plain(at: string): Http2PoolOptions {
  return { authority: `http://${at}` };
}
function secure(
  at: string,
  to: AppRef,
  identity: () => WorkloadIdentity | undefined,
): Http2PoolOptions {
  const wanted = { appId: to.appId, namespace: to.namespace || "default" };
  const servername = serverNameOf(wanted);
  return {
    authority: `https://${at}`,
    // As it is when a connection is made: certificates are renewed, and an app that comes back gets one of its own.
    // The name picks the certificate where a port is many apps'; where it is one app's it is not looked at.
    tls: () => {
      const own = identity();
      if (!own) throw new Error("the calling app no longer has a certificate");
      return { ...own.context, servername, checkServerIdentity: checkPeer(wanted) };
    },
  };
}

/** Dapr: without name resolution the runtime goes on; only calls to other processes fail. */
async function openResolver(
  registry: Registry,
  host: Host,
  { component, version, options }: NameResolution,
): Promise<NameResolver | undefined> {
  try {
    const [manifest] = registry.find(`nameresolution.${component}`, version);
    const spec = { name: component, namespace: "", metadata: options };
    return (await manifest?.open(spec, host)) as NameResolver | undefined;
  } catch (reason) {
    host.log.error(`Cannot start name resolution by ${component}: ${messageOf(reason)}`);
    return undefined;
  }
}
