import { tmpdir } from "node:os";
import type { Cli, SignalName } from "#targets/cli/cli.ts";
import type { PortChoice } from "#targets/node/listen/listening.ts";
import type { BoundPorts, NodeOptions, NodeRuntime, StartNode } from "#targets/node/options.ts";

/** A process that a test holds in its hands. */
export interface FakeCli {
  readonly cli: Cli;
  out(): string;
  err(): string;
  signal(name: SignalName): void;
  /** Codes that the command wanted to end the process with. */
  readonly exits: number[];
  /** What happens when the process ends. */
  runExit(): void;
  readonly listeners: number;
}

export function fakeCli(
  overrides: Partial<Pick<Cli, "env" | "cwd" | "colour" | "terminal">> & {
    readonly start?: StartNode;
    readonly input?: string;
  } = {},
): FakeCli {
  let out = "";
  let err = "";
  const exits: number[] = [];
  const signals = new Map<SignalName, Set<() => void>>();
  const exitListeners = new Set<() => void>();
  const { start = fakeRuntime().start } = overrides;
  return {
    exits,
    out: () => out,
    err: () => err,
    signal: (name) => {
      for (const listener of signals.get(name) ?? []) listener();
    },
    runExit: () => {
      for (const listener of exitListeners) listener();
    },
    get listeners() {
      return exitListeners.size + [...signals.values()].reduce((sum, set) => sum + set.size, 0);
    },
    cli: {
      env: overrides.env ?? {},
      cwd: overrides.cwd ?? tmpdir(),
      terminal: overrides.terminal ?? false,
      colour: overrides.colour ?? false,
      pid: process.pid,
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      input: async () => overrides.input ?? "",
      loadStart: async () => start,
      onSignal: (name, listener) => {
        const set = signals.get(name) ?? new Set();
        signals.set(name, set.add(listener));
        return () => set.delete(listener);
      },
      onExit: (listener) => {
        exitListeners.add(listener);
        return () => exitListeners.delete(listener);
      },
      exit: (code) => void exits.push(code),
    },
  };
}

export interface FakeRuntime {
  readonly start: StartNode;
  /** What the command asked for, once it did. */
  readonly options: NodeOptions | undefined;
  /** By app id: those asked for, else some above 40000. */
  readonly ports: ReadonlyMap<string, BoundPorts>;
  readonly stops: number;
  readonly reloads: number;
}

/** A runtime that only remembers what it was told. */
export function fakeRuntime(
  behaviour: {
    /** Ports that others hold; absent: all. */
    readonly taken?: ReadonlySet<number>;
    readonly ready?: Promise<void>;
    readonly starting?: () => Promise<void>;
    readonly stopping?: () => Promise<void>;
  } = {},
): FakeRuntime {
  let options: NodeOptions | undefined;
  let ports: ReadonlyMap<string, BoundPorts> = new Map();
  let free = 40_000;
  const bound = (asked: PortChoice): number => {
    if (typeof asked === "number") return asked;
    const isFree = asked.prefer !== 0 && behaviour.taken?.has(asked.prefer) === false;
    return isFree ? asked.prefer : ++free;
  };
  let stops = 0;
  let reloads = 0;
  return {
    get options() {
      return options;
    },
    get ports() {
      return ports;
    },
    get stops() {
      return stops;
    },
    get reloads() {
      return reloads;
    },
    start: async (given) => {
      options = given;
      await behaviour.starting?.();
      ports = new Map(
        given.apps.map(({ appId, httpPort, grpcPort, metricsPort = 0 }) => [
          appId,
          {
            httpPort: bound(httpPort),
            grpcPort: bound(grpcPort),
            internalPort: 0,
            metricsPort: bound(metricsPort),
          },
        ]),
      );
      return {
        apps: ports,
        ready: behaviour.ready ?? Promise.resolve(),
        reload: async () => void reloads++,
        stop: async () => {
          stops++;
          await behaviour.stopping?.();
        },
      } satisfies NodeRuntime;
    },
  };
}
