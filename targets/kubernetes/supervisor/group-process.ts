import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";
import type { WaitingConnection } from "./waiting-connections.ts";
import {
  type FromGroup,
  type GroupOptions,
  type Port,
  protocolVersion,
  type ToGroup,
} from "../messages.ts";

/** The process of a group, from its fork to its exit. */
export interface GroupProcess {
  readonly pid: number | undefined;
  /** Resolves once it takes messages; rejects when it ends before. */
  readonly started: Promise<void>;
  readonly exited: Promise<string>;
  tell(message: ToGroup): void;
  /** The socket is the process' from here on. False when the process is not there to take it. */
  hand(port: Port, socket: Socket, head: Buffer | undefined): boolean;
  /** Of a process that has ended: connections that were still to be handed to it, which nobody has touched. */
  takeBack(): readonly WaitingConnection[];
  kill(): void;
}
export interface GroupProgram {
  /** What is forked, and the arguments that make it a group. */
  readonly path: string;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
}

/** What a group does not get: what leads to the credentials of the supervisor, and what comes with its options. */
const withheld: ReadonlySet<string> = new Set([
  "KUBECONFIG",
  "KUBERNETES_SERVICE_HOST",
  "KUBERNETES_SERVICE_PORT",
  "OUTRIGGER_COORDINATION",
]);

/** Connections on their way to a process at once. */
const mostHanding = 5000;

/** How often a process that has started is asked whether it is alive, and how many times it may say nothing. */
export interface Pulse {
  readonly everyMs: number;
  readonly most: number;
}
/** What Node has below a socket. */
interface RawHandle {
  close(): void;
}

export function forkGroup(
  program: GroupProgram,
  options: Omit<GroupOptions, "version">,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  onMessage: (message: FromGroup) => void,
  { everyMs, most }: Pulse = { everyMs: 5000, most: 6 },
): GroupProcess {
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !withheld.has(name)));
  // glibc keeps eight heaps a core for its threads otherwise: 1 MiB of an idle group.
  own["MALLOC_ARENA_MAX"] ??= "2";
  const child: ChildProcess = fork(program.path, [...program.args], {
    execArgv: [...program.execArgv],
    env: own as Record<string, string>,
    // Its log lines are ours.
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "json",
  });
  const started = Promise.withResolvers<void>();
  started.promise.catch(() => {});
  const exited = Promise.withResolvers<string>();
  let isOver = false;
  let hasStarted = false;
  let unanswered = 0;
  // An endless loop ends no process: whoever says nothing for so long is of no use to anybody. Questions count, not
  // time: this process may have stood still itself.
  const pulse = setInterval(() => {
    if (!hasStarted) return;
    if (unanswered++ < most) return void send({ type: "ping" });
    log.error(`The process of group ${options.group} no longer responds; it is ended`, {
      group: options.group,
      pid: child.pid,
    });
    child.kill("SIGKILL");
  }, everyMs).unref();
  const over = (why: string): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(pulse);
    // Node forgets what was to be acknowledged by a process that has died: its descriptor would stay open, and the
    // client wait for ever.
    unacknowledged?.close();
    started.reject(new Error(why));
    exited.resolve(why);
  };
  child.once("error", (reason) => over(reason.message));
  child.once("exit", (code, signal) => over(signal ? `signal ${signal}` : `exit code ${code}`));
  child.on("message", (given) => {
    try {
      unanswered = 0;
      const message = given as FromGroup;
      if (message.type === "started") {
        hasStarted = true;
        started.resolve();
      } else onMessage(message);
    } catch (reason) {
      // A group that says nonsense must not take the others along.
      log.error(`A message of group ${options.group} makes no sense: ${messageOf(reason)}`);
    }
  });
  /** Node sends one connection after the other, each once the one before has been acknowledged. */
  const handing = new Set<WaitingConnection>();
  let unacknowledged: RawHandle | undefined;
  // The exit tells the rest.
  const lost = (reason: Error): void =>
    log.debug(`A message to group ${options.group} was lost: ${reason.message}`);
  const send = (message: ToGroup): boolean =>
    child.connected && (child.send(message, (reason) => reason && lost(reason)), true);
  function hand(connection: WaitingConnection): boolean {
    if (!child.connected) return false;
    const { port, socket, head } = connection;
    const { _handle: raw } = socket as unknown as { readonly _handle?: RawHandle };
    handing.add(connection);
    child.send(
      { type: "connection", port, ...(head ? { head: head.toString("base64") } : {}) },
      socket,
      (reason) => {
        if (!handing.delete(connection)) return;
        unacknowledged = raw;
        if (!reason) return;
        lost(reason);
        socket.destroy();
      },
    );
    return true;
  }
  send({ type: "start", options: { ...options, version: protocolVersion } });
  return {
    pid: child.pid,
    started: started.promise,
    exited: exited.promise,
    tell: (message) => void send(message),
    hand: (port, socket, head) => {
      // A process that takes none of them must not make this one hold more and more.
      if (handing.size < mostHanding) return hand({ port, socket, head });
      socket.destroy();
      return true;
    },
    takeBack: () => {
      const back = [...handing];
      handing.clear();
      return back;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}
