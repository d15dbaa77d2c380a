import type * as redis from "@redis/client";
import type { RedisAddress, RedisSettings } from "./settings.ts";

/** The only module that knows the client library. */
type Library = typeof redis;
type NodeOptions = NonNullable<Parameters<Library["createClient"]>[0]>;
type SocketOptions = NonNullable<NodeOptions["socket"]>;

/** What goes over the wire; blobs come back as Buffers, arrays as arrays, numbers as numbers. */
export type Argument = string | Buffer;

/** One server, or the servers of a cluster, or the one that sentinels point to. */
export interface RedisServer {
  /** Rejects once `pause` gives up; after the first success it never does. */
  connect(): Promise<unknown>;
  /** A command that has to wait for the connection leaves the queue when the signal fires. `key` decides the node of a cluster. */
  send(args: readonly Argument[], key: string | undefined, signal: AbortSignal): Promise<unknown>;
  /** One way to each server that holds keys. */
  masters(): Promise<ReadonlyArray<(args: readonly Argument[]) => Promise<unknown>>>;
  destroy(): void;
}
export interface RedisEvents {
  lost(reason: unknown): void;
  ready(): void;
  /** Milliseconds to the next attempt to connect, or false to give up. */
  pause(attempt: number, reason: unknown): number | false;
}
/** A connection that only listens. It mends itself, and then listens to the same again. */
export interface RedisSubscriber {
  connect(): Promise<unknown>;
  /** Resolves once messages come; the listener gets each with the channel that it came on. */
  subscribe(channels: readonly string[], listener: ChannelListener): Promise<void>;
  unsubscribe(channels: readonly string[], listener: ChannelListener): Promise<void>;
  /** As these, for channels that fit a glob pattern. */
  subscribePattern(pattern: string, listener: ChannelListener): Promise<void>;
  unsubscribePattern(pattern: string, listener: ChannelListener): Promise<void>;
  destroy(): void;
}
export type ChannelListener = (message: string, channel: string) => void;

export interface RedisClient {
  create(settings: RedisSettings, events: RedisEvents): RedisServer;
  /** Not for a cluster, where each node notifies of its own keys only. */
  createSubscriber(settings: RedisSettings, events: RedisEvents): RedisSubscriber;
  /** True for what the server answered, false for what went wrong on the way. */
  isReply(reason: unknown): reason is Error;
}

export async function loadClient(): Promise<RedisClient> {
  // In a bundle a CommonJS library has its names on `default` only; in Node there too.
  const library = (await import("@redis/client")).default as unknown as Library;
  const creators = { node: createNode, sentinel: createSentinel, cluster: createCluster };
  return {
    create: (settings, events) => creators[settings.mode](library, settings, events),
    createSubscriber: (settings, events) => createSubscriber(library, settings, events),
    isReply: (reason) => reason instanceof library.ErrorReply,
  };
}

/** Past this many commands that wait, more are refused. */
const longestQueue = 100_000;

function commandOptions({ RESP_TYPES }: Library) {
  // No timer per command: the connection watches over all of them together.
  return { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 0 };
}
function nodeOptions(
  settings: RedisSettings,
  events: RedisEvents,
  address: RedisAddress | undefined,
) {
  const { tls, username, password, database } = settings;
  const socket: SocketOptions = {
    ...address,
    ...(tls ? { tls: true as const, ...tls } : {}),
    connectTimeout: settings.dialTimeoutMs,
    reconnectStrategy: events.pause,
  };
  return {
    RESP: 2 as const,
    maintNotifications: "disabled" as const,
    commandsQueueMaxLength: longestQueue,
    socket,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(database === 0 ? {} : { database }),
  };
}
/** Where the library owns the sockets, only this finds the one that no longer answers. */
function watched<T extends { socket: SocketOptions }>(
  options: T,
  { readTimeoutMs }: RedisSettings,
): T & { pingInterval: number } {
  const socket = { ...options.socket, socketTimeout: readTimeoutMs };
  return { ...options, socket, pingInterval: Math.max(100, Math.floor(readTimeoutMs / 3)) };
}

function createNode(library: Library, settings: RedisSettings, events: RedisEvents): RedisServer {
  const options = nodeOptions(settings, events, settings.addresses[0]);
  const client = library.createClient({ ...options, commandOptions: commandOptions(library) });
  client.on("error", events.lost).on("ready", events.ready);
  return {
    connect: () => client.connect(),
    send: (args, _key, abortSignal) =>
      client.isReady ? client.sendCommand(args) : client.sendCommand(args, { abortSignal }),
    masters: async () => [(args) => client.sendCommand(args)],
    destroy: () => client.destroy(),
  };
}

function createSentinel(
  library: Library,
  settings: RedisSettings,
  events: RedisEvents,
): RedisServer {
  const client = sentinelClient(library, settings, events);
  client.on("error", events.lost).on("ready", events.ready);
  return {
    connect: () => client.connect(),
    send: (args, _key, abortSignal) => client.sendCommand(false, [...args], { abortSignal }),
    masters: async () => [(args) => client.sendCommand(false, [...args])],
    destroy: () => void client.destroy().catch(() => {}),
  };
}
function sentinelClient(library: Library, settings: RedisSettings, events: RedisEvents) {
  const { name, username, password } = settings.sentinel;
  const {
    username: _user,
    password: _password,
    database: _database,
    ...bare
  } = nodeOptions(settings, events, undefined);
  return library.createSentinel({
    name,
    RESP: 2,
    sentinelRootNodes: [...settings.addresses],
    reserveClient: true,
    passthroughClientErrorEvents: true,
    nodeClientOptions: watched(nodeOptions(settings, events, undefined), settings) as object,
    sentinelClientOptions: {
      ...watched(bare, settings),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    } as object,
    commandOptions: commandOptions(library),
  });
}

function createSubscriber(
  library: Library,
  settings: RedisSettings,
  events: RedisEvents,
): RedisSubscriber {
  const client =
    settings.mode === "sentinel"
      ? sentinelClient(library, settings, events)
      : library.createClient(
          watched(nodeOptions(settings, events, settings.addresses[0]), settings),
        );
  client.on("error", events.lost).on("ready", events.ready);
  return {
    connect: () => client.connect(),
    subscribe: (channels, listener) => client.subscribe([...channels], listener),
    // The library's types want a listener of buffers as well, which are never asked for.
    unsubscribe: (channels, listener) => client.unsubscribe([...channels], listener as never),
    subscribePattern: (pattern, listener) => client.pSubscribe(pattern, listener),
    unsubscribePattern: (pattern, listener) => client.pUnsubscribe(pattern, listener),
    destroy: () => void Promise.resolve(client.destroy()).catch(() => {}),
  };
}

function createCluster(
  library: Library,
  settings: RedisSettings,
  events: RedisEvents,
): RedisServer {
  const client = library.createCluster({
    RESP: 2,
    rootNodes: settings.addresses.map((address) =>
      watched(nodeOptions(settings, events, address), settings),
    ),
    defaults: watched(nodeOptions(settings, events, undefined), settings),
    commandOptions: commandOptions(library),
  });
  client.on("error", events.lost).on("ready", events.ready);
  return {
    connect: () => client.connect(),
    send: (args, key, abortSignal) => client.sendCommand(key, false, [...args], { abortSignal }),
    masters: () =>
      Promise.all(
        client.masters.map(async (master) => {
          const node = await client.nodeClient(master);
          const options = commandOptions(library);
          return (args: readonly Argument[]) => node.sendCommand(args, options);
        }),
      ),
    destroy: () => client.destroy(),
  };
}
