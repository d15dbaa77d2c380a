import { X509Certificate } from "node:crypto";
import type { Cluster } from "./cluster.ts";
import { type Finding, ok, problem, unknown } from "./finding.ts";

/** The part of a certificate's life in which it should have been renewed long since. */
const shortRest = 0.1;

/** A Deployment of the control plane that must be there, with all of its pods ready. */
export function checkDeployment(
  { deployments, namespace }: Cluster,
  name: string,
  check: string,
): Finding {
  if (deployments.is === "unknown") return unknown(check, deployments.why);
  const found =
    deployments.is === "there" && deployments.value.find(({ metadata }) => metadata.name === name);
  if (!found)
    return problem(
      check,
      `no Deployment ${name} in namespace ${namespace}`,
      "install the chart, or name its namespace with --control-plane-namespace",
    );
  const wanted = found.spec?.replicas ?? 1;
  const ready = found.status?.readyReplicas ?? 0;
  const text = `Deployment ${name}: ${ready} of ${wanted} ready`;
  if (ready >= wanted && wanted > 0) return ok(check, text);
  return problem(check, text, `kubectl -n ${namespace} describe deployment ${name}`);
}

/** Whether a certificate is, and stays, valid; it is renewed well before its end. */
export function checkTime(
  check: string,
  what: string,
  certificate: X509Certificate,
  now: number,
  todo: string,
): Finding {
  const { validTo } = certificate;
  const until = certificate.validToDate.getTime();
  const life = until - certificate.validFromDate.getTime();
  if (until < now) return problem(check, `${what} has expired: ${validTo}`, todo);
  if (until - now < life * shortRest) return problem(check, `${what} ends soon: ${validTo}`, todo);
  return ok(check, `${what} is valid until ${validTo}`);
}

export function base64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}
export type Certificates = readonly [X509Certificate, ...X509Certificate[]];
/** Each certificate of a PEM text, at least one; throws for what is none. */
export function certificatesOf(pem: string): Certificates {
  const parts = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const [first, ...rest] = parts.slice(0, 20).map((part) => new X509Certificate(part));
  if (!first) throw new Error("no certificate");
  return [first, ...rest];
}
