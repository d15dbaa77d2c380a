import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** All that the replicas share: who issues, what is served, what is to be trusted. */
export interface CertificateState {
  readonly issuer: KeyPair;
  readonly serving: KeyPair;
  /** Everything that was, is or will be the issuer and has not expired; each a PEM. */
  readonly trusted: readonly string[];
  /** Issues once everybody trusts it; `since`: when it became trusted, in milliseconds since 1970. */
  readonly next?: KeyPair & { readonly since: number };
}

/** Milliseconds. */
export interface Lives {
  readonly authority: number;
  readonly serving: number;
  /** From the moment that a new authority is made known until it issues. */
  readonly settle: number;
}

/** How certificates are made; asynchronous, and loaded late. */
export interface Maker {
  /** Of servers, and their addresses: what a serving certificate is good for. */
  readonly names: readonly string[];
  authority(lifeMs: number): Promise<KeyPair>;
  serving(issuer: KeyPair, lifeMs: number): Promise<KeyPair>;
  /** What is trusted already when there is no state; each a PEM of an authority. */
  published?(): Promise<readonly string[]>;
}

/**
 * The next state, or the same object where nothing is due. A certificate is renewed when two thirds of its life are
 * over; a new authority is trusted for a while before it issues anything, the old one until it expires.
 */
export async function advance(
  state: CertificateState | undefined,
  now: number,
  lives: Lives,
  maker: Maker,
): Promise<CertificateState> {
  if (!state || isOver(state.issuer, now)) return fresh(state, now, lives, maker);
  let { issuer, serving, next } = state;
  let trusted = state.trusted.filter((pem) => endOf(pem) > now);
  if (!trusted.includes(issuer.certificate)) trusted = [issuer.certificate, ...trusted];
  if (next && now - next.since >= lives.settle) {
    issuer = { certificate: next.certificate, privateKey: next.privateKey };
    next = undefined;
  } else if (!next && isDue(issuer, now)) {
    next = { ...(await maker.authority(lives.authority)), since: now };
    trusted = [...trusted, next.certificate];
  }
  if (isDue(serving, now) || !isIssuedBy(serving, issuer) || !isFor(serving, maker.names))
    serving = await maker.serving(issuer, lives.serving);
  const isSame =
    issuer === state.issuer &&
    serving === state.serving &&
    next === state.next &&
    trusted.length === state.trusted.length;
  return isSame ? state : { issuer, serving, trusted, ...(next ? { next } : {}) };
}

async function fresh(
  state: CertificateState | undefined,
  now: number,
  lives: Lives,
  maker: Maker,
): Promise<CertificateState> {
  const issuer = await maker.authority(lives.authority);
  const serving = await maker.serving(issuer, lives.serving);
  // Where the state is lost other replicas still serve, and are called, by an authority that nobody has any more.
  const trusted = state?.trusted ?? (await maker.published?.()) ?? [];
  const old = trusted.filter((pem) => endOf(pem) > now);
  return { issuer, serving, trusted: [issuer.certificate, ...old] };
}

function isDue({ certificate }: KeyPair, now: number): boolean {
  const begin = new X509Certificate(certificate).validFromDate.getTime();
  const end = endOf(certificate);
  return now >= begin + ((end - begin) * 2) / 3;
}
function isOver({ certificate }: KeyPair, now: number): boolean {
  return now >= endOf(certificate);
}
function isIssuedBy({ certificate }: KeyPair, issuer: KeyPair): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(issuer.certificate).publicKey);
}
/** A replica with fewer names leaves the certificate of one with more as it is: they do not undo each other. */
function isFor({ certificate }: KeyPair, names: readonly string[]): boolean {
  const of = new X509Certificate(certificate);
  return names.every(
    (name) => (isIP(name) === 0 ? of.checkHost(name) : of.checkIP(name)) !== undefined,
  );
}

/** When a certificate ends, in milliseconds since 1970. Throws for what is none. */
export function endOf(pem: string): number {
  return new X509Certificate(pem).validToDate.getTime();
}

/** Throws where the two do not belong together, or are not certificate and key. */
export function checkPair({ certificate, privateKey }: KeyPair): void {
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey)))
    throw new Error("the key is not the certificate's");
}

/** Each certificate as it was written: with one newline at its end. */
export function splitPem(text: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((pem) => `${pem}\n`);
}
