import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  advance,
  type CertificateState,
  checkPair,
  type Lives,
  type Maker,
} from "#k8s/injector/certificate-state.ts";
import { makeAuthority, makeServing } from "#k8s/injector/make-certificates.ts";

const hour = 3_600_000;
const lives: Lives = { authority: 24 * hour, serving: 6 * hour, settle: hour };
const names = ["localhost", "127.0.0.1", "::1"];
const begin = Date.UTC(2026, 0, 1);

/** Time that only moves when told to, and what the certificates are at each of its moments. */
async function history(hours: readonly number[]): Promise<readonly CertificateState[]> {
  const states: CertificateState[] = [];
  let state: CertificateState | undefined;
  for (const at of hours) {
    const now = begin + at * hour;
    state = await advance(state, now, lives, {
      names,
      authority: (lifeMs) => makeAuthority(now, lifeMs),
      serving: (issuer, lifeMs) => makeServing(issuer, names, now, lifeMs),
    });
    states.push(state);
  }
  return states;
}
const isTrusted = ({ certificate }: { certificate: string }, trusted: readonly string[]): boolean =>
  trusted.some((pem) => {
    const by = new X509Certificate(pem);
    const of = new X509Certificate(certificate);
    return of.checkIssued(by) && of.verify(by.publicKey);
  });

describe("certificates over time", () => {
  it("begin with an authority and a certificate of it", async () => {
    const [state] = (await history([0])) as [CertificateState];
    expect(() => checkPair(state.serving)).not.toThrow();
    expect(state.trusted).toEqual([state.issuer.certificate]);
    const serving = new X509Certificate(state.serving.certificate);
    expect(serving.subjectAltName).toBe(
      "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
    expect(serving.ca).toBe(false);
    expect(new X509Certificate(state.issuer.certificate).ca).toBe(true);
    expect(isTrusted(state.serving, state.trusted)).toBe(true);
  });

  it("stay the same object while nothing is due", async () => {
    const states = await history([0, 1, 3.5]);
    expect(new Set(states).size).toBe(1);
  });

  it("are renewed when two thirds of their life are over, the authority stays", async () => {
    const [first, second] = (await history([0, 4.1])) as [CertificateState, CertificateState];
    expect(second.serving.certificate).not.toBe(first.serving.certificate);
    expect(second.issuer).toBe(first.issuer);
    expect(second.trusted).toEqual(first.trusted);
  });

  it("change the authority in steps: trusted first, issuing later, forgotten last", async () => {
    const hours = Array.from({ length: 120 }, (_, i) => i / 2);
    const states = await history(hours);
    let changes = 0;
    for (const [i, state] of states.entries()) {
      const before = states[i - 1];
      // What a replica may still show was trusted before, and is now.
      expect(isTrusted(state.serving, state.trusted), `hour ${hours[i]}`).toBe(true);
      if (before) expect(isTrusted(state.serving, before.trusted), `hour ${hours[i]}`).toBe(true);
      if (before) expect(isTrusted(before.serving, state.trusted), `hour ${hours[i]}`).toBe(true);
      expect(state.trusted.length).toBeLessThanOrEqual(2);
      if (before && before.issuer !== state.issuer) {
        changes++;
        expect(before.next?.certificate).toBe(state.issuer.certificate);
      }
    }
    expect(changes).toBeGreaterThanOrEqual(3);
  });

  it("begin anew after a pause in which all expired, and trust what is left", async () => {
    const [first, second] = (await history([0, 30])) as [CertificateState, CertificateState];
    expect(second.issuer.certificate).not.toBe(first.issuer.certificate);
    expect(second.trusted).toEqual([second.issuer.certificate]);
  });

  it("are made anew for a name that they are not good for, and for no other reason", async () => {
    const [state] = (await history([0])) as [CertificateState];
    const maker = (of: readonly string[]): Maker => ({
      names: of,
      authority: (lifeMs) => makeAuthority(begin, lifeMs),
      serving: (issuer, lifeMs) => makeServing(issuer, of, begin, lifeMs),
    });
    expect(await advance(state, begin, lives, maker(["localhost"]))).toBe(state);
    const more = await advance(state, begin, lives, maker([...names, "a.example", "10.0.0.1"]));
    expect(more.issuer).toBe(state.issuer);
    expect(new X509Certificate(more.serving.certificate).checkHost("a.example")).toBe("a.example");
  });

  it("do not outlive their authority", async () => {
    const issuer = await makeAuthority(begin, hour);
    const serving = await makeServing(issuer, ["a"], begin, 10 * hour);
    expect(new X509Certificate(serving.certificate).validToDate.getTime()).toBe(begin + hour);
  });
});

describe("a pair", () => {
  it("is refused where the key is another's, or either is nonsense", async () => {
    const a = await makeAuthority(begin, hour);
    const b = await makeAuthority(begin, hour);
    expect(() => checkPair({ ...a, privateKey: b.privateKey })).toThrow("not the certificate's");
    expect(() => checkPair({ ...a, certificate: "x" })).toThrow();
    expect(() => checkPair({ ...a, privateKey: "" })).toThrow();
  });
});
