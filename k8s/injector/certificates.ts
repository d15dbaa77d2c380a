import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";
import { createBackoff } from "#core/util/backoff.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { type BundlePlaces, publishBundle, publishedAuthorities } from "./ca-bundle.ts";
import { updateState } from "./certificate-secret.ts";
import { advance, endOf, type KeyPair, type Lives, type Maker } from "./certificate-state.ts";

/** The certificate that the webhook shows, now and as it changes. */
export interface CertificateSource extends AsyncDisposable {
  /** `undefined` until there is one. */
  current(): KeyPair | undefined;
  /** Called with each one, also with the first. */
  onChange(listener: (pair: KeyPair) => void): void;
  /** Why no API server can call us now; `undefined` when it can. */
  problem(): string | undefined;
}

export interface OwnCertificates {
  readonly kube: KubeClient;
  readonly log: Log;
  readonly secretName: string;
  readonly places: BundlePlaces;
  /** More names and addresses than those of the Service. */
  readonly names?: readonly string[];
  readonly lives?: Partial<Lives>;
  /** Between two looks at the Secret. Default: a minute. */
  readonly checkMs?: number;
  now?(): number;
}

const dayMs = 24 * 3_600_000;
const defaultLives: Lives = { authority: 365 * dayMs, serving: 30 * dayMs, settle: 10 * 60_000 };
const firstRetryMs = 1000;

/**
 * Certificates of our own, kept in a Secret that all replicas share and renewed in time. Begins at once and goes
 * on until it is disposed of; an API server that is away, or refuses, is a `problem` and in the log.
 */
export function ownCertificates(options: OwnCertificates): CertificateSource {
  const { kube, log, places, checkMs = 60_000, now = Date.now } = options;
  const lives = { ...defaultLives, ...options.lives };
  const secret = { namespace: places.namespace, name: options.secretName };
  const ending = new AbortController();
  const { signal } = ending;
  const maker: Maker = {
    ...makerFor(namesOf(options), now),
    published: async () => {
      const former = await publishedAuthorities(kube, places, signal);
      if (former.length > 0)
        log.warn(
          `The Secret ${secret.namespace}/${secret.name} is gone, empty or spoilt: a new authority is made, and what the webhook trusts stays trusted`,
        );
      return former;
    },
  };
  const listeners: Array<(pair: KeyPair) => void> = [];
  let current: KeyPair | undefined;
  let trouble: string | undefined = "The certificate is being made";
  let isPublished = false;

  const look = async (): Promise<void> => {
    const state = await updateState(
      kube,
      secret,
      (before) => advance(before, now(), lives, maker),
      signal,
    );
    const problems = await publishBundle(kube, places, state.trusted.join(""), signal);
    // A certificate that nobody trusts yet does not take the place of one that works.
    if (problems.length === 0 || !current || endOf(current.certificate) <= now())
      adopt(state.serving);
    isPublished ||= problems.length === 0;
    if (problems.length > 0) throw new Error(problems.join("; "));
  };
  const adopt = (pair: KeyPair): void => {
    if (current?.certificate === pair.certificate) return;
    current = pair;
    log.info(`Serving certificate valid until ${dateText(endOf(pair.certificate))}`);
    for (const listener of listeners) listener(pair);
  };
  const watch = async (): Promise<void> => {
    const backoff = createBackoff({ firstMs: firstRetryMs, longestMs: checkMs });
    while (!signal.aborted) {
      try {
        await look();
        trouble = undefined;
        backoff.reset();
      } catch (reason) {
        if (signal.aborted) return;
        trouble = `The webhook's certificate cannot be kept: ${messageOf(reason)}`;
        log.warn(trouble);
      }
      logExpiry(current, now(), log);
      // Not all replicas at the same moment.
      const pauseMs = trouble === undefined ? checkMs * (0.75 + Math.random() / 2) : backoff.next();
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const done = watch();
  return {
    current: () => current,
    onChange: (listener) => {
      listeners.push(listener);
      if (current) listener(current);
    },
    problem: () => {
      if (!current) return trouble;
      // Once trusted, an API server that is away for a while changes nothing.
      return expiryText(current, now()) ?? (isPublished ? undefined : trouble);
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await done;
    },
  };
}

function namesOf({ places, names = [] }: OwnCertificates): readonly string[] {
  const service = `${places.serviceName}.${places.namespace}`;
  return [`${service}.svc`, `${service}.svc.cluster.local`, service, ...names];
}

function makerFor(names: readonly string[], now: () => number): Maker {
  const load = () => import("./make-certificates.ts");
  return {
    names,
    authority: async (lifeMs) => (await load()).makeAuthority(now(), lifeMs),
    serving: async (issuer, lifeMs) => (await load()).makeServing(issuer, names, now(), lifeMs),
  };
}

/** What is wrong with a certificate whose time is over. */
export function expiryText({ certificate }: KeyPair, now: number): string | undefined {
  const end = endOf(certificate);
  return now < end
    ? undefined
    : `The webhook's certificate has expired on ${dateText(end)}: no API server can call it`;
}
export function logExpiry(pair: KeyPair | undefined, now: number, log: Log): void {
  const text = pair && expiryText(pair, now);
  if (text !== undefined) log.error(text);
}
export function dateText(ms: number): string {
  return new Date(ms).toISOString();
}
