import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { messageOf } from "#core/errors/component-error.ts";
import type { Log } from "#core/ports/platform.ts";
import { readText } from "#k8s/api/read-file.ts";
import { checkPair, endOf, type KeyPair } from "./certificate-state.ts";
import { type CertificateSource, dateText, expiryText, logExpiry } from "./certificates.ts";

export interface CertificateFiles {
  /** Holds `tls.crt` (with its chain) and `tls.key`. */
  readonly folder: string;
  readonly log: Log;
  /** Between two looks at the files. Default: 10 s. */
  readonly checkMs?: number;
  now?(): number;
}

const mostBytes = 256 * 1024;

/**
 * Certificates that somebody else makes (cert-manager, a Secret that is mounted) and renews. The files are looked
 * at from time to time: a mounted Secret changes by a link, which file watches miss. What cannot be used does not
 * take the place of what can.
 */
export function certificateFiles(options: CertificateFiles): CertificateSource {
  const { folder, log, checkMs = 10_000, now = Date.now } = options;
  const ending = new AbortController();
  const { signal } = ending;
  const listeners: Array<(pair: KeyPair) => void> = [];
  let current: KeyPair | undefined;
  let trouble: string | undefined = `The certificate in ${folder} is being read`;

  const look = async (): Promise<void> => {
    // One after the other, so that what is missing has one name, and is told once.
    const certificate = await readText(join(folder, "tls.crt"), mostBytes);
    const privateKey = await readText(join(folder, "tls.key"), mostBytes);
    if (current?.certificate === certificate && current.privateKey === privateKey) return;
    const pair = { certificate, privateKey };
    try {
      checkPair(pair);
    } catch (reason) {
      throw new Error(`tls.crt and tls.key in ${folder} cannot be used: ${messageOf(reason)}`, {
        cause: reason,
      });
    }
    current = pair;
    log.info(`Certificate in ${folder}, valid until ${dateText(endOf(certificate))}`);
    for (const listener of listeners) listener(pair);
  };
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      const before = trouble;
      try {
        await look();
        trouble = undefined;
      } catch (reason) {
        trouble = messageOf(reason);
        // Files that change one after the other do not belong together for a moment.
        if (trouble !== before) log.warn(trouble);
      }
      logExpiry(current, now(), log);
      await delay(checkMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const done = watch();
  return {
    current: () => current,
    onChange: (listener) => {
      listeners.push(listener);
      if (current) listener(current);
    },
    problem: () => (current ? expiryText(current, now()) : trouble),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await done;
    },
  };
}
