import { endsWithin } from "#core/util/time-limit.ts";
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
import { type CallingPod, createPodIndex, type PodIndexOptions } from "./pod-index.ts";
import { foreign, invalid, missing, notYet, opening, tooMany, unread } from "./rejections.ts";

/** Finds out whose pod a service-account token is; rejects when nobody can tell now. */
export type TokenReader = (token: string) => Promise<{ readonly podUid: string } | undefined>;

export interface PodAuthenticationOptions extends PodIndexOptions {
  readonly clock: Clock;
  readonly badTokens: BadTokens;
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

/**
 * Who calls is the pod whose token is shown: its address must fit as well, so that a token that was read elsewhere
 * is of no use there. An address alone proves nothing.
 */
export function createPodAuthentication(options: PodAuthenticationOptions): PodAuthentication {
  const { clock, badTokens, waitMetrics } = options;
  const index = createPodIndex(options);
  let news = Promise.withResolvers<void>();
  let waiting = 0;

  const isPodAt = (address: string): boolean => index.at(address) !== undefined;
  function tellNews(): void {
    news.resolve();
    news = Promise.withResolvers();
  }
  function refuse(shown: PresentedCredentials): Rejection {
    return unlessElsewhere(badTokens.isTooMany(shown.remoteAddress) ? tooMany : invalid, shown);
  }
  /** A token that is unknown may be known to the group of the pod whose address is unknown as well. */
  function unlessElsewhere(why: Rejection, { remoteAddress }: PresentedCredentials): Rejection {
    const isHere = remoteAddress !== undefined && isPodAt(remoteAddress);
    return isHere ? why : { ...why, mayBeElsewhere: true };
  }
  function settle(
    found: CallingPod | Rejection,
    { remoteAddress, remotePort }: PresentedCredentials,
  ): App | Rejection | Promise<App | Rejection> {
    if (!isPod(found)) return found;
    if (remoteAddress !== undefined && remotePort !== undefined)
      options.came?.(found.uid, remoteAddress, remotePort);
    return appOf(found, options);
  }

  async function later(
    shown: PresentedCredentials,
    token: string,
    digest: string,
  ): Promise<App | Rejection> {
    const proven = await options.readToken?.(token).catch(() => unread);
    if (proven && "status" in proven) return proven;
    const find = (): CallingPod | Rejection | undefined =>
      proven
        ? index.withUid(proven.podUid, shown.remoteAddress)
        : index.withToken(digest, shown.remoteAddress);
    const mayStillFit = (found: CallingPod | Rejection): boolean =>
      found === foreign &&
      (proven ? index.isEarly(proven.podUid) : index.isTokenOfEarlyPod(digest));
    const first = find();
    if (first && !mayStillFit(first)) return settle(first, shown);
    // Whose address is known has a token that is known, unless the address has gone to another pod unheard.
    const isKnown = shown.remoteAddress !== undefined && isPodAt(shown.remoteAddress);
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
    hasPodAt: isPodAt,
    find: (shown) => {
      options.called?.();
      const { token, remoteAddress } = shown;
      if (token === undefined) {
        const pod = remoteAddress === undefined ? undefined : index.at(remoteAddress);
        if (!shown.isOpen) return missing;
        return pod ? appOf(pod, options) : podAuthentication.isCurrent ? missing : notYet;
      }
      const digest = hash("sha256", token, "hex");
      const found = index.withToken(digest, remoteAddress);
      const isSettled = found && (found !== foreign || !index.isTokenOfEarlyPod(digest));
      return isSettled ? settle(found, shown) : later(shown, token, digest);
    },
    put: (pod) => {
      index.put(pod);
      tellNews();
    },
    remove: (uid) => {
      if (index.remove(uid)) tellNews();
    },
  };
  return podAuthentication;
}

function isPod(found: CallingPod | Rejection): found is CallingPod {
  return "uid" in found;
}

/** The app of a pod, once its components are open. */
function appOf(
  pod: CallingPod,
  { clock, waitMetrics }: Pick<PodAuthenticationOptions, "clock" | "waitMetrics">,
): App | Rejection | Promise<App | Rejection> {
  const { app } = pod;
  if (!(app instanceof Promise)) return app;
  const end = waitMetrics.begin("components");
  return endsWithin(clock, openMs, app)
    .then((isThere) => (isThere ? app.catch(() => opening) : opening))
    .finally(end);
}
