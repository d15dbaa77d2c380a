import { heldLocks } from "#core/blocks/lock/held-locks.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import type { App } from "#core/kernel/app.ts";
import type { Log } from "#core/ports/platform.ts";
import { hashToken, tokensOf, type TokenVerifier } from "#core/identity/token-check.ts";
import type { Documents } from "#core/hosting/reload/documents.ts";
import type { Runtime } from "#core/hosting/runtime.ts";
import type { Pauses } from "#core/util/backoff.ts";
import { repeat } from "#core/util/repeat.ts";
import type { GrpcApi } from "#targets/node/grpc/api.ts";
import { clock } from "#targets/node/clock.ts";
import { waitForPort } from "#targets/node/channel/wait-for-port.ts";
import type { CoordinationSettings } from "#core/hosting/coordination.ts";
import type { FromGroup, PodRecord } from "../messages.ts";
import { componentReports } from "./component-reports.ts";
import type { PodAuthentication } from "./pod-authentication.ts";
import type { GroupDocuments } from "./group-documents.ts";
import type { GroupMetrics } from "./group-metrics.ts";
import { linkToPod, type PodLink } from "./pod-link.ts";
import type { CertificateUse, WorkloadCertificates } from "./workload-certificates.ts";

export interface PodAppsDeps {
  readonly runtime: Runtime;
  readonly grpc: Pick<GrpcApi, "route">;
  readonly podAuthentication: PodAuthentication;
  readonly documents: GroupDocuments;
  readonly metrics: GroupMetrics;
  readonly certificates: WorkloadCertificates | undefined;
  readonly log: Log;
  /** Where the apps' owners of actors and due times are kept. */
  readonly coordination: CoordinationSettings | undefined;
  /** Values of a Secret's key `token`. */
  readToken(namespace: string, name: string, signal: AbortSignal): Promise<string>;
  /** Vouches for tokens that are not text of the pod's own. */
  verifierFor(pod: PodRecord): TokenVerifier | undefined;
  /** Ends the connections of a pod that is gone: nobody else will. */
  disconnect(pod: PodRecord): void;
  tell(message: FromGroup): void;
}

/** An app for each pod. */
export interface PodApps {
  put(pod: PodRecord): void;
  remove(uid: string): void;
  /** The documents of a namespace have changed. */
  follow(namespace: string): Promise<void>;
  /** Other runtimes find here what the apps own from now on. */
  serve(): void;
  /** Ends what calls the apps; the APIs stay up. */
  stopCalling(): Promise<void>;
  close(): Promise<void>;
}

const pauses: Pauses = { firstMs: 1000, longestMs: 30_000 };

export function createPodApps(deps: PodAppsDeps): PodApps {
  const pods = new Map<string, PodApp>();
  let isEnding = false;
  let isServing = false;
  return {
    put: (record) => {
      if (isEnding) return;
      const pod = pods.get(record.uid);
      if (pod) return pod.update(record);
      const made = new PodApp(record, deps);
      pods.set(record.uid, made);
      if (isServing) made.serve();
      made.open();
    },
    serve: () => {
      isServing = true;
      for (const pod of pods.values()) pod.serve();
    },
    remove: (uid) => {
      const pod = pods.get(uid);
      pods.delete(uid);
      void pod?.close();
    },
    follow: async (namespace) => {
      const those = [...pods.values()].filter(({ record }) => record.namespace === namespace);
      await Promise.all(those.map((pod) => pod.follow()));
    },
    stopCalling: async () => {
      isEnding = true;
      await Promise.allSettled([...pods.values()].map((pod) => pod.stopCalling()));
    },
    close: async () => {
      isEnding = true;
      await Promise.allSettled([...pods.values()].map((pod) => pod.leave()));
    },
  };
}

/** One pod's app, from the first word of the pod to its end. */
class PodApp {
  record: PodRecord;
  readonly #deps: PodAppsDeps;
  readonly #link: PodLink;
  readonly #ended = new AbortController();
  readonly #measured: ReturnType<GroupMetrics["open"]>;
  readonly #opened = Promise.withResolvers<App>();
  #hosted: AppInstance | undefined;
  #certificate: CertificateUse | undefined;
  #hashes: readonly string[];
  #isStarted = false;
  #isServing = false;
  #isReopening = false;
  #reported = "";

  constructor(record: PodRecord, deps: PodAppsDeps) {
    this.record = record;
    this.#deps = deps;
    this.#measured = deps.metrics.open(record, deps.documents.of(record).configuration);
    this.#link = linkToPod(record.settings, this.#measured?.metrics);
    this.#hashes = record.tokenHash === "" ? [] : [record.tokenHash];
    this.#opened.promise.catch(() => {});
  }
  get #fields(): object {
    const { namespace, name, settings } = this.record;
    return { app_id: settings.appId, namespace, pod: name };
  }
  open(): void {
    this.#put();
    this.#connect();
    void this.#openUntilItWorks();
  }
  update(record: PodRecord): void {
    // Who the app is was settled when the pod came: what is edited later into its annotations changes nothing.
    this.record = { ...record, settings: this.record.settings };
    this.#put();
    this.#connect();
    this.#follow();
  }
  async follow(): Promise<void> {
    const hosted = this.#hosted;
    if (!hosted) return;
    await this.#update(hosted);
  }
  /** Answers whether all is as its documents say. */
  async #update(hosted: AppInstance): Promise<boolean> {
    const { faults } = await hosted.update(this.#documents());
    this.#report(hosted);
    // What cannot be read at all waits for its next edit.
    const isWhole =
      hosted.app.components.failed.length === 0 && !faults.some(({ kind }) => kind !== "");
    if (!isWhole) this.#reopen(hosted);
    return isWhole;
  }
  /** What does not open is tried again: its server may be up by then, or its Secret be there. */
  #reopen(hosted: AppInstance): void {
    if (this.#isReopening) return;
    this.#isReopening = true;
    const { signal } = this.#ended;
    void repeat(() => this.#update(hosted), pauses, clock, signal).finally(
      () => (this.#isReopening = false),
    );
  }
  serve(): void {
    this.#isServing = true;
    this.#follow();
  }
  async stopCalling(): Promise<void> {
    await this.#hosted?.stop();
  }
  /** The process ends, and the pod lives on with another one: what it holds stays its own. */
  async leave(): Promise<void> {
    this.#hosted?.app.part(heldLocks).leaveAll();
    await this.close();
  }
  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const { podAuthentication, disconnect, log } = this.#deps;
    this.#ended.abort(new Error("the pod is gone"));
    // First of all: its token is worth nothing from here on.
    podAuthentication.remove(this.record.uid);
    this.#opened.reject(new Error("the pod is gone"));
    disconnect(this.record);
    await this.#hosted?.[Symbol.asyncDispose]();
    await this.#link[Symbol.asyncDispose]();
    this.#certificate?.close();
    this.#measured?.close();
    log.info("The app is no longer hosted here", this.#fields);
  }
  #put(): void {
    const { uid, ips, hostNetwork } = this.record;
    const app = this.#hosted?.app ?? this.#opened.promise;
    this.#deps.podAuthentication.put({ uid, ips, hostNetwork, tokenHashes: this.#hashes, app });
  }
  #connect(): void {
    const [address] = this.record.ips;
    if (address === undefined) return;
    this.#link.connect(address);
    const { pool } = this.#link;
    if (pool && this.#hosted) this.#deps.grpc.route(this.#hosted.app, pool);
  }
  #documents(): Documents {
    return this.#deps.documents.of(this.record);
  }
  async #openUntilItWorks(): Promise<void> {
    const { signal } = this.#ended;
    const attempt = async (): Promise<boolean> => {
      try {
        await this.#open(signal);
        this.#deps.tell({ type: "hosted", uid: this.record.uid });
        return true;
      } catch (reason) {
        if (signal.aborted) return true;
        const why = messageOf(reason);
        this.#deps.log.error(`Cannot host the app yet: ${why}`, this.#fields);
        this.#deps.tell({ type: "hosted", uid: this.record.uid, error: why });
        return false;
      }
    };
    if (!(await attempt())) await repeat(attempt, pauses, clock, signal);
  }
  async #open(signal: AbortSignal): Promise<void> {
    const { runtime, certificates, log } = this.#deps;
    const { namespace, settings, uid } = this.record;
    // Tokens that the app brings itself: fails closed, since without them anybody's call would be let in or out.
    const apiToken = await this.#secretToken(settings.apiTokenSecret, signal);
    const appToken = await this.#secretToken(settings.appTokenSecret, signal);
    const hashes =
      apiToken === undefined ? [] : await Promise.all(tokensOf(apiToken).map(hashToken));
    // What is gone must not be put back.
    signal.throwIfAborted();
    this.#hashes = [...new Set([...this.#hashes, ...hashes])];
    this.#put();
    // Others call it over mTLS; its own calls do not wait for that.
    this.#certificate ??= certificates?.open(this.record);
    const verifyToken = this.#deps.verifierFor(this.record);
    const { configuration, resources } = this.#documents();
    const { channel, connection } = this.#link;
    const hosted = await runtime.addApp({
      appId: settings.appId,
      namespace,
      instance: uid,
      channel,
      connection,
      healthProbe: settings.health,
      resources,
      configuration,
      apiTokens: this.#hashes,
      verifyToken,
      appToken,
      metrics: this.#measured?.metrics,
      apiLogging: settings.apiLogging,
      limits: { maxBodyBytes: settings.maxBodyBytes },
      bindingProbeMs: settings.bindingProbeMs,
      disableInitEndpoints: settings.disableInitEndpoints,
      releaseLocks: true,
      coordination: this.#deps.coordination,
      // Nothing of the pod's is to end: whoever asks for it, as Jobs with a sidecar must, is done.
      shutdown: () => log.info("Shutdown asked for: there is no sidecar to end", this.#fields),
    });
    if (signal.aborted) return hosted[Symbol.asyncDispose]();
    this.#hosted = hosted;
    hosted.app.health.isAvailable = false;
    this.#opened.resolve(hosted.app);
    this.#put();
    this.#connect();
    log.info("Hosting the app", this.#fields);
    this.#report(hosted);
    this.#follow();
    // Documents may have changed while it opened; what has not opened is tried again.
    void this.follow();
  }
  async #secretToken(name: string, signal: AbortSignal): Promise<string | undefined> {
    return name === "" ? undefined : this.#deps.readToken(this.record.namespace, name, signal);
  }
  /** What calls the app begins when its pod is ready, and ends when it is asked to. */
  #follow(): void {
    const hosted = this.#hosted;
    if (!hosted) return;
    const { isEnding, isReady, settings } = this.record;
    hosted.app.health.isAvailable = isReady && !isEnding;
    // An actor of a pod that is not ready moves to one that is; one without a port is never called.
    void hosted.allowOwning(isReady && this.#isServing);
    if (isEnding) return void hosted.stop();
    const isCalled = settings.appPort !== undefined;
    if (this.#isStarted || (isCalled && !isReady)) return;
    this.#isStarted = true;
    void this.#start(hosted);
  }
  async #start(hosted: AppInstance): Promise<void> {
    const { appPort } = this.record.settings;
    // It may get another address meanwhile.
    const address = (): string => this.record.ips[0] ?? "";
    try {
      if (appPort !== undefined && address() !== "")
        await waitForPort(address, appPort, clock, { signal: this.#ended.signal }, (seconds) => {
          if (seconds > 0)
            this.#deps.log.info(
              `Still waiting for the app on port ${appPort}, for ${seconds} s now`,
              this.#fields,
            );
        });
      await hosted.start();
    } catch (reason) {
      if (!this.#ended.signal.aborted)
        this.#deps.log.error(`Cannot start what calls the app: ${messageOf(reason)}`, this.#fields);
    }
  }
  #report({ app }: AppInstance): void {
    const components = componentReports(app);
    const text = JSON.stringify(components);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#deps.tell({ type: "components", uid: this.record.uid, components });
  }
}
