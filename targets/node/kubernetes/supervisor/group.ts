import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import type { FromGroup, PodRecord, Port, ToGroup } from "../messages.ts";
import { createHeldConnections } from "./held-connections.ts";
import type { GroupProcess } from "./group-process.ts";

export interface GroupDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Starts the process, in the version that is due now; its messages come back with it. */
  fork(group: Group, onMessage: (message: FromGroup) => void): GroupProcess;
  onMessage(group: Group, message: FromGroup, tell: (message: ToGroup) => void): void;
  /** What the supervisor knows of a namespace's documents now. */
  documentsOf(namespace: string): readonly KubeObject[];
  isCurrent(): boolean;
}

/** One of the processes that the group has had. */
interface Life {
  readonly process: GroupProcess;
  readonly began: number;
  /** It takes messages, and has been told everything. */
  isUp: boolean;
  /** Pods whose apps answer, or are known not to. */
  readonly hosted: Set<string>;
}

/** Between the deaths of a process that does not live. The first new one starts at once. */
const firstRetryMs = 100;
const longestRetryMs = 5000;
/** A process that lived this long starts anew without delay. */
const longLifeMs = 10_000;
/** For what a new process is to host before it takes over. */
const takeOverMs = 30_000;

/** An isolation group: what it is to host, and the process that hosts it, again and again if need be. */
export class Group {
  readonly name: string;
  readonly pods: Map<string, PodRecord> = new Map();
  readonly #deps: GroupDeps;
  readonly #held = createHeldConnections();
  #life: Life;
  #isClosed = false;
  #restarts = 0;
  #wait = 0;
  #renewing: Promise<void> | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(name: string, deps: GroupDeps) {
    this.name = name;
    this.#deps = deps;
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
    this.#life.hosted.delete(uid);
    this.tell({ type: "pod-gone", uid });
    this.#tellChange();
  }
  putDocuments(namespace: string): void {
    if (!this.namespaces.has(namespace)) return;
    this.tell({ type: "documents", namespace, objects: this.#deps.documentsOf(namespace) });
  }
  tell(message: ToGroup): void {
    if (this.#life.isUp) this.#life.process.tell(message);
  }
  /** A connection for it; kept while the process is starting. */
  take(port: Port, socket: Socket, head: Buffer | undefined): void {
    if (this.#life.isUp && this.#life.process.hand(port, socket, head)) return;
    if (this.#isClosed) return void socket.destroy();
    this.#held.keep({ port, socket, head });
  }
  /** Puts a new process in the place of the present one, which ends once nothing is in flight. */
  renew(idleMs: number, graceMs: number): Promise<void> {
    return (this.#renewing ??= this.#renew(idleMs, graceMs).finally(() => {
      this.#renewing = undefined;
    }));
  }
  /** Ends the process once nothing is in flight, or after that time. */
  async drain(idleMs: number, graceMs: number): Promise<void> {
    this.#isClosed = true;
    this.#held.destroy();
    await end(this.#life.process, idleMs, graceMs);
  }

  #start(): Life {
    const { clock, fork, onMessage } = this.#deps;
    const process = fork(this, (message) => {
      if (message.type === "hosted") {
        life.hosted.add(message.uid);
        this.#tellChange();
      }
      onMessage(this, message, (answer) => process.tell(answer));
    });
    const life: Life = { process, began: clock.now(), isUp: false, hosted: new Set() };
    process.started.then(
      () => this.#bringUp(life),
      () => {},
    );
    void process.exited.then((why) => this.#outlive(life, why));
    return life;
  }
  #bringUp(life: Life): void {
    const { process } = life;
    for (const namespace of this.namespaces)
      process.tell({ type: "documents", namespace, objects: this.#deps.documentsOf(namespace) });
    for (const pod of this.pods.values()) process.tell({ type: "pod", pod });
    process.tell({ type: "current", isCurrent: this.#deps.isCurrent() });
    life.isUp = true;
    if (life === this.#life)
      this.#held.release(({ port, socket, head }) => {
        if (!process.hand(port, socket, head)) socket.destroy();
      });
    this.#tellChange();
  }
  /** A process that nobody has asked to end is followed by another one. */
  async #outlive(life: Life, why: string): Promise<void> {
    const { clock, log } = this.#deps;
    const { process, began } = life;
    life.isUp = false;
    if (this.#isClosed || life !== this.#life) return;
    this.#restarts++;
    this.#wait =
      clock.now() - began > longLifeMs
        ? 0
        : Math.min(this.#wait * 2 || firstRetryMs, longestRetryMs);
    log.error(`The process of group ${this.name} has ended (${why}); it starts anew`, {
      group: this.name,
      pid: process.pid,
    });
    if (this.#wait > 0) await delay(this.#wait);
    if (!this.#isClosed && life === this.#life) this.#life = this.#start();
  }
  async #renew(idleMs: number, graceMs: number): Promise<void> {
    const former = this.#life;
    const next = this.#start();
    const late = delay(takeOverMs, "late" as const, { ref: false });
    // Pods that come meanwhile are told to both.
    while (!this.#isSettled(next)) {
      const over = await Promise.race([this.#changed.promise, next.process.exited, late]);
      if (over === undefined) continue;
      if (over === "late" && next.isUp) break;
      this.#deps.log.error(`Group ${this.name} stays on the process that it has: ${over}`);
      next.process.kill();
      return;
    }
    if (this.#isClosed || this.#life !== former) return next.process.kill();
    // What came since it was told everything.
    this.#life = next;
    for (const pod of this.pods.values()) next.process.tell({ type: "pod", pod });
    for (const uid of next.hosted)
      if (!this.pods.has(uid)) next.process.tell({ type: "pod-gone", uid });
    for (const namespace of this.namespaces) this.putDocuments(namespace);
    next.process.tell({ type: "current", isCurrent: this.#deps.isCurrent() });
    await end(former.process, idleMs, graceMs);
  }
  #isSettled({ isUp, hosted }: Life): boolean {
    return isUp && [...this.pods.keys()].every((uid) => hosted.has(uid));
  }
  #tellChange(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

async function end(process: GroupProcess, idleMs: number, graceMs: number): Promise<void> {
  process.tell({ type: "drain", idleMs });
  await Promise.race([process.exited, delay(graceMs, undefined, { ref: false })]);
  process.kill();
  await process.exited;
}
