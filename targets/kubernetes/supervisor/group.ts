import type { Socket } from "node:net";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import type { WaitMetrics } from "../wait-metrics.ts";
import type { FromGroup, PodRecord, Port, ToGroup } from "../messages.ts";
import { createWaitingConnections, type WaitingConnections } from "./waiting-connections.ts";
import type { GroupProcess } from "./group-process.ts";

export interface GroupDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly waitMetrics: Pick<WaitMetrics, "begin">;
  /** Starts the process, in the version that is due now; its messages come back with it. */
  fork(group: Group, onMessage: (message: FromGroup) => void): GroupProcess;
  onMessage(group: Group, message: FromGroup, tell: (message: ToGroup) => void): void;
  /** What the supervisor knows of a namespace's documents now. */
  documentsOf(namespace: string): readonly KubeObject[];
  isCurrent(): boolean;
  /** The ports are open: connections for the group come from now on. */
  isServing(): boolean;
}

/** One of the processes that the group has had. */
interface Life {
  readonly process: GroupProcess;
  readonly began: number;
  /** It takes messages, and has been told everything. */
  isUp: boolean;
  /** Pods whose apps answer, or are known not to. */
  readonly hosted: Set<string>;
  /** What it has said of its apps before it took over. */
  readonly unheard: FromGroup[];
}
/** What a process says of its apps counts while it is the present one: who comes after it says it of its own. */
const ofApps: ReadonlySet<FromGroup["type"]> = new Set(["hosted", "components", "unread"]);

/** Between the deaths of a process that does not live. The first new one starts at once. */
const retries: Pauses = { firstMs: 100, longestMs: 5000 };
/** A process that lived this long starts anew without delay. */
const longLifeMs = 10_000;
/** For what a new process is to host before it takes over. */
const takeOverMs = 30_000;
/** Between the tries to put a new process in the place of the present one. */
const renewals: Pauses = { firstMs: 60_000, longestMs: 600_000 };
/** A process that has not started by then never will. */
const startMs = 60_000;

/** An isolation group: what it is to host, and the process that hosts it, again and again if need be. */
export class Group {
  readonly name: string;
  readonly pods: Map<string, PodRecord> = new Map();
  readonly #deps: GroupDeps;
  readonly #held: WaitingConnections;
  readonly #closing = new AbortController();
  /** All whose process is there: the present one, the one that is to take over, those that are ending. */
  readonly #lives = new Set<Life>();
  #life: Life;
  /** It is to take over. */
  #next: Life | undefined;
  readonly #ends = new Set<Promise<void>>();
  #restarts = 0;
  readonly #backoff = createBackoff(retries);
  readonly #renewBackoff = createBackoff(renewals);
  #cancelRenewal: (() => void) | undefined;
  #renewing: Promise<void> | undefined;
  #isStale = false;
  #changed = Promise.withResolvers<void>();

  constructor(name: string, deps: GroupDeps) {
    this.name = name;
    this.#deps = deps;
    this.#held = createWaitingConnections(deps.waitMetrics);
    this.#life = this.#start();
  }
  get pid(): number | undefined {
    return this.#life.process.pid;
  }
  /** How often the process has ended by itself. */
  get restarts(): number {
    return this.#restarts;
  }
  get namespaces(): ReadonlySet<string> {
    return new Set([...this.pods.values()].map(({ namespace }) => namespace));
  }
  /** True when every pod's app answers, or is known not to. */
  get isSettled(): boolean {
    return this.#isSettled(this.#life);
  }
  /** Resolves with the next change of what it hosts. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }
  put(pod: PodRecord): void {
    const isNew = ![...this.pods.values()].some(({ namespace }) => namespace === pod.namespace);
    this.pods.set(pod.uid, pod);
    if (isNew) this.putDocuments(pod.namespace);
    this.tell({ type: "pod", pod });
  }
  remove(uid: string): void {
    if (!this.pods.delete(uid)) return;
    for (const life of this.#lives) life.hosted.delete(uid);
    this.tell({ type: "pod-gone", uid });
    this.#tellChange();
  }
  putDocuments(namespace: string): void {
    if (!this.namespaces.has(namespace)) return;
    this.tell({ type: "documents", namespace, objects: this.#deps.documentsOf(namespace) });
  }
  /** To each of its processes: one that is ending must know whose token has ended, too. */
  tell(message: ToGroup): void {
    for (const life of this.#lives) if (life.isUp) life.process.tell(message);
  }
  /** To the one process that counts. False when it is not there. */
  ask(message: ToGroup): boolean {
    if (this.#life.isUp) this.#life.process.tell(message);
    return this.#life.isUp;
  }
  /** The ports are open. */
  serve(): void {
    this.#tellServing(this.#life);
  }
  /** A connection for it; kept while the process is starting. */
  take(port: Port, socket: Socket, head: Buffer | undefined): void {
    if (this.#life.isUp && this.#life.process.hand(port, socket, head)) return;
    if (this.#closing.signal.aborted) return void socket.destroy();
    this.#held.keep({ port, socket, head });
  }
  /**
   * Puts a new process in the place of the present one, which ends once nothing is in flight, or after that time.
   * Resolves when the new one has taken over, or is not going to.
   */
  renew(idleMs: number, graceMs: number): Promise<void> {
    // What asks for it while one is under way may want yet another version.
    this.#isStale = true;
    this.#cancelRenewal?.();
    return (this.#renewing ??= this.#renewAll(idleMs, graceMs).finally(() => {
      this.#renewing = undefined;
    }));
  }
  /** Ends its processes once nothing is in flight, or after that time. */
  async drain(idleMs: number, graceMs: number): Promise<void> {
    this.#closing.abort(new Error("the group is ending"));
    this.#cancelRenewal?.();
    this.#held.destroy();
    this.#next?.process.kill();
    await this.#renewing;
    this.#end(this.#life, idleMs, graceMs);
    const ended = Promise.all(this.#ends);
    // A former one may have been given more time.
    const cancel = this.#deps.clock.after(graceMs, () => {
      for (const { process } of this.#lives) process.kill();
    });
    await ended;
    cancel();
  }

  #start(): Life {
    const { clock, fork } = this.#deps;
    const process = fork(this, (message) => {
      if (message.type === "hosted") {
        life.hosted.add(message.uid);
        this.#tellChange();
      }
      if (life === this.#life || !ofApps.has(message.type)) this.#hear(life, message);
      else if (life === this.#next) life.unheard.push(message);
    });
    const life: Life = {
      process,
      began: clock.now(),
      isUp: false,
      hosted: new Set(),
      unheard: [],
    };
    this.#lives.add(life);
    const cancel = clock.after(startMs, () => process.kill());
    process.started.then(
      () => {
        cancel();
        this.#bringUp(life);
      },
      () => {},
    );
    void process.exited.then((why) => {
      cancel();
      life.isUp = false;
      this.#lives.delete(life);
      for (const { port, socket, head } of process.takeBack()) this.take(port, socket, head);
      void this.#outlive(life, why);
    });
    return life;
  }
  #hear({ process }: Life, message: FromGroup): void {
    this.#deps.onMessage(this, message, (answer) => process.tell(answer));
  }
  #bringUp(life: Life): void {
    const { process } = life;
    for (const namespace of this.namespaces)
      process.tell({ type: "documents", namespace, objects: this.#deps.documentsOf(namespace) });
    for (const pod of this.pods.values()) process.tell({ type: "pod", pod });
    process.tell({ type: "current", isCurrent: this.#deps.isCurrent() });
    life.isUp = true;
    this.#tellServing(life);
    if (life === this.#life) this.#release();
    this.#tellChange();
  }
  #release(): void {
    const { process } = this.#life;
    this.#held.release(({ port, socket, head }) => {
      if (!process.hand(port, socket, head)) socket.destroy();
    });
  }
  /** A process that nobody has asked to end is followed by another one. */
  async #outlive(life: Life, why: string): Promise<void> {
    const { clock, log } = this.#deps;
    const { process, began } = life;
    const { signal } = this.#closing;
    if (signal.aborted || life !== this.#life) return;
    this.#restarts++;
    const isLongLife = clock.now() - began > longLifeMs;
    if (isLongLife) this.#backoff.reset();
    log.error(`The process of group ${this.name} has ended (${why}); it is started again`, {
      group: this.name,
      pid: process.pid,
    });
    if (!isLongLife) await clock.sleep(this.#backoff.next(), { signal }).catch(() => {});
    if (!signal.aborted && life === this.#life) this.#life = this.#start();
  }
  async #renewAll(idleMs: number, graceMs: number): Promise<void> {
    const { signal } = this.#closing;
    while (this.#isStale && !signal.aborted) {
      this.#isStale = false;
      const former = this.#life;
      const next = (this.#next = this.#start());
      const why = await this.#takesOver(next);
      this.#next = undefined;
      if (signal.aborted || this.#life !== former || why !== "") {
        next.process.kill();
        if (why !== "" && !signal.aborted) {
          this.#deps.log.error(`Group ${this.name} stays on the process that it has: ${why}`);
          this.#renewLater(idleMs, graceMs);
        }
        continue;
      }
      this.#renewBackoff.reset();
      this.#life = next;
      for (const message of next.unheard.splice(0)) this.#hear(next, message);
      this.#tellServing(next);
      // Where the former died meanwhile.
      this.#release();
      this.#end(former, idleMs, graceMs);
    }
  }
  /** What asked for it does not ask again. */
  #renewLater(idleMs: number, graceMs: number): void {
    this.#cancelRenewal = this.#deps.clock.after(
      this.#renewBackoff.next(),
      () => void this.renew(idleMs, graceMs),
    );
  }
  /** Empty once it hosts what it is to host; else why it never will. */
  async #takesOver(next: Life): Promise<string> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#closing.signal]);
    const late = this.#deps.clock.sleep(takeOverMs, { signal }).then(
      () => "it is late",
      () => "the group is ending",
    );
    try {
      while (!this.#isSettled(next)) {
        const why = await Promise.race([this.#changed.promise, next.process.exited, late]);
        if (why === undefined) continue;
        // Pods that have not all got their apps are no reason to stay.
        return next.isUp ? "" : why;
      }
      return "";
    } finally {
      over.abort();
    }
  }
  #end(life: Life, idleMs: number, graceMs: number): void {
    const ended = end(life, idleMs, graceMs, this.#deps.clock).finally(() => {
      this.#ends.delete(ended);
    });
    this.#ends.add(ended);
  }
  #isSettled({ isUp, hosted }: Life): boolean {
    return isUp && [...this.pods.keys()].every((uid) => hosted.has(uid));
  }
  /** Only the present one: what the next one owned before it takes over, nobody would reach. */
  #tellServing(life: Life): void {
    if (life === this.#life && life.isUp && this.#deps.isServing())
      life.process.tell({ type: "serving" });
  }
  #tellChange(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

async function end(
  { process, isUp }: Life,
  idleMs: number,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  // What has not started has nothing in flight, and may never hear of it.
  if (isUp) {
    process.tell({ type: "drain", idleMs });
    // To `endsWithin` 0 is not a limit.
    if (graceMs > 0) await endsWithin(clock, graceMs, process.exited);
  }
  process.kill();
  await process.exited;
}
