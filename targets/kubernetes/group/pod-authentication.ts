import { hash } from "node:crypto";
import type { App } from "#core/kernel/app.ts";
import type { BadTokens } from "#core/identity/bad-tokens.ts";
import type { Clock } from "#core/ports/platform.ts";
import type {
  AppFinder,
  Rejection,
  PresentedCredentials,
} from "#targets/node/listen/app-finder.ts";
import type { WaitMetrics } from "../wait-metrics.ts";

/** A pod whose app is hosted here, or is about to be. */
export interface CallingPod {
  readonly uid: string;
  readonly ips: readonly string[];
  readonly hostNetwork: boolean;
  /** SHA-256 texts of the tokens that are its own. */
  readonly tokenHashes: readonly string[];
  /** Settles when its components are open. */
  readonly app: App | Promise<App>;
}
/** Finds out whose pod a service-account token is; rejects when nobody can tell now. */
export type TokenReader = (token: string) => Promise<{ readonly podUid: string } | undefined>;

export interface PodAuthenticationOptions {
  readonly clock: Clock;
  readonly badTokens: BadTokens;
  /** Addresses of the node, which pods with `hostNetwork` call from. */
  readonly hostIps: readonly string[];
  /** False where callers come through something that changes their address. */
  readonly checkSourceIp: boolean;
  readonly readToken: TokenReader | undefined;
  readonly waitMetrics: Pick<WaitMetrics, "begin">;
  /** Somebody has called, whoever it is. */
  readonly called?: () => void;
  /** A call of that pod has come that way. */
  readonly came?: (uid: string, address: string, port: number) => void;
}
export interface PodAuthentication {
  readonly find: AppFinder;
  put(pod: CallingPod): void;
  remove(uid: string): void;
  /** Whether it is a pod's now. */
  hasPodAt(address: string): boolean;
  /** False while there is no news of pods: a token that nobody has may then be a new pod's. */
  isCurrent: boolean;
}

/** How long a call with a token that nobody has waits for the pod that has it: news of pods may be slower than the pods. */
const newsMs = 1000;
/** And where there is no news at all, as after an outage of the API server: so often. */
const mostWaits = 15;
const mostWaiting = 1000;
/** How long a call waits for the components of its app. */
const openMs = 15_000;

const missing: Rejection = { status: 401, message: "missing api token" };
const invalid: Rejection = { status: 401, message: "invalid api token" };
const tooMany: Rejection = { status: 429, message: "too many invalid api tokens" };
const foreign: Rejection = {
  status: 403,
  message: "the api token belongs to another pod than the one that calls",
};
const notYet: Rejection = {
  status: 503,
  message: "the runtime does not know this pod yet; try again",
};
const unread: Rejection = {
  status: 503,
  message: "the runtime cannot read service account tokens now; try again",
};
const opening: Rejection = {
  status: 503,
  message: "the components of the app are still opening; try again",
};

/**
 * Who calls is the pod whose token is shown: its address must fit as well, so that a token that was read elsewhere
 * is of no use there. An address alone proves nothing.
 */
export function createPodAuthentication(options: PodAuthenticationOptions): PodAuthentication {
  const { clock, badTokens, waitMetrics } = options;
  const pods = new Map<string, CallingPod>();
  const byHash = new Map<string, CallingPod[]>();
  const byIp = new Map<string, CallingPod>();
  const hosts = new Set([...options.hostIps, "127.0.0.1", "::1"]);
  let news = Promise.withResolvers<void>();
  let waiting = 0;

  function comesFrom(pod: CallingPod, address: string | undefined): boolean {
    if (!options.checkSourceIp || address === undefined) return true;
    if (pod.hostNetwork) return hosts.has(address) || pod.ips.includes(address);
    // A pod calls before its address is known; whoever has that address already is another.
    if (pod.ips.length === 0) return !hosts.has(address) && !byIp.has(address);
    return pod.ips.includes(address);
  }
  function podWith(
    digest: string,
    address: string | undefined,
  ): CallingPod | Rejection | undefined {
    const found = byHash.get(digest);
    if (!found) return undefined;
    for (const pod of found) if (comesFrom(pod, address)) return pod;
    return foreign;
  }
  /** It may come from an address that was another's a moment ago. */
  const isEarly = (pod: CallingPod): boolean => !pod.hostNetwork && pod.ips.length === 0;
  function appOf(pod: CallingPod): App | Rejection | Promise<App | Rejection> {
    const { app } = pod;
    if (!(app instanceof Promise)) return app;
    const end = waitMetrics.begin("components");
    const over = new AbortController();
    const late = clock.sleep(openMs, { signal: over.signal }).then(
      () => opening,
      () => opening,
    );
    return Promise.race([app.catch(() => opening), late]).finally(() => {
      end();
      over.abort();
    });
  }
  function refuse(shown: PresentedCredentials): Rejection {
    return unlessElsewhere(badTokens.isTooMany(shown.remoteAddress) ? tooMany : invalid, shown);
  }
  /** A token that is unknown may be known to the group of the pod whose address is unknown as well. */
  function unlessElsewhere(why: Rejection, { remoteAddress }: PresentedCredentials): Rejection {
    const isHere = remoteAddress !== undefined && byIp.has(remoteAddress);
    return isHere ? why : { ...why, mayBeElsewhere: true };
  }
  const isPod = (found: CallingPod | Rejection): found is CallingPod => "uid" in found;
  function settle(
    found: CallingPod | Rejection,
    { remoteAddress, remotePort }: PresentedCredentials,
  ): App | Rejection | Promise<App | Rejection> {
    if (!isPod(found)) return found;
    if (remoteAddress !== undefined && remotePort !== undefined)
      options.came?.(found.uid, remoteAddress, remotePort);
    return appOf(found);
  }

  async function later(
    shown: PresentedCredentials,
    token: string,
    digest: string,
  ): Promise<App | Rejection> {
    const proven = await options.readToken?.(token).catch(() => unread);
    if (proven && "status" in proven) return proven;
    const find = (): CallingPod | Rejection | undefined => {
      if (!proven) return podWith(digest, shown.remoteAddress);
      const pod = pods.get(proven.podUid);
      return !pod || comesFrom(pod, shown.remoteAddress) ? pod : foreign;
    };
    const mayStillFit = (found: Rejection | CallingPod): boolean =>
      found === foreign &&
      (proven ? [pods.get(proven.podUid)] : (byHash.get(digest) ?? [])).some(
        (pod) => pod !== undefined && isEarly(pod),
      );
    const first = find();
    if (first && !mayStillFit(first)) return settle(first, shown);
    // Whose address is known has a token that is known, unless the address has gone to another pod unheard.
    const isKnown = shown.remoteAddress !== undefined && byIp.has(shown.remoteAddress);
    if (isKnown && !first && podAuthentication.isCurrent) return refuse(shown);
    if (waiting >= mostWaiting) return notYet;
    waiting++;
    const end = waitMetrics.begin("pod");
    const over = new AbortController();
    const wait = (): Promise<boolean> =>
      clock.sleep(newsMs, { signal: over.signal }).then(
        () => true,
        () => true,
      );
    let late = wait();
    try {
      for (let isLate = false, waits = 1; ;) {
        const found = find();
        if (found && (isLate || !mayStillFit(found))) return settle(found, shown);
        if (isLate) {
          if (podAuthentication.isCurrent) return refuse(shown);
          if (waits++ >= mostWaits) return unlessElsewhere(notYet, shown);
          late = wait();
        }
        isLate = await Promise.race([news.promise.then(() => false), late]);
      }
    } finally {
      waiting--;
      end();
      over.abort();
    }
  }

  const podAuthentication: PodAuthentication = {
    isCurrent: false,
    hasPodAt: (address) => byIp.has(address),
    find: (shown) => {
      options.called?.();
      const { token, remoteAddress } = shown;
      if (token === undefined) {
        const pod = remoteAddress === undefined ? undefined : byIp.get(remoteAddress);
        if (!shown.isOpen) return missing;
        return pod ? appOf(pod) : podAuthentication.isCurrent ? missing : notYet;
      }
      const digest = hash("sha256", token, "hex");
      const found = podWith(digest, remoteAddress);
      const isSettled =
        found && (found !== foreign || !(byHash.get(digest) as CallingPod[]).some(isEarly));
      return isSettled ? settle(found, shown) : later(shown, token, digest);
    },
    put: (pod) => {
      podAuthentication.remove(pod.uid);
      pods.set(pod.uid, pod);
      for (const each of pod.tokenHashes) byHash.set(each, [...(byHash.get(each) ?? []), pod]);
      if (!pod.hostNetwork) for (const ip of pod.ips) byIp.set(ip, pod);
      news.resolve();
      news = Promise.withResolvers();
    },
    remove: (uid) => {
      const pod = pods.get(uid);
      if (!pod) return;
      pods.delete(uid);
      for (const each of pod.tokenHashes) {
        const left = (byHash.get(each) ?? []).filter((other) => other !== pod);
        if (left.length > 0) byHash.set(each, left);
        else byHash.delete(each);
      }
      // An address that is used again at once is the next pod's already.
      for (const ip of pod.ips) if (byIp.get(ip) === pod) byIp.delete(ip);
      news.resolve();
      news = Promise.withResolvers();
    },
  };
  return podAuthentication;
}
