import { X509Certificate } from "node:crypto";
import type { Authority } from "./authority.ts";

/** Why no certificate was signed: not entitled, cannot be judged now, too many at once, anything else. */
export type Failure = "denied" | "unavailable" | "busy" | "sign";

/** What an authority counts, under the names that Dapr's has. */
export interface CaCounts {
  received(): void;
  signed(): void;
  failed(why: Failure): void;
  /** The issuer that signs from now on. */
  noteIssuer(authority: Authority): void;
  /** In Prometheus' text format. */
  exposition(): string;
}

export function createCounts(): CaCounts {
  let received = 0;
  let signed = 0;
  let changed = 0;
  let issuer = "";
  let expiry = 0;
  const failed: Record<Failure, number> = { denied: 0, unavailable: 0, busy: 0, sign: 0 };
  return {
    received: () => void received++,
    signed: () => void signed++,
    failed: (why) => void failed[why]++,
    noteIssuer: ({ issuer: { certificate } }) => {
      if (certificate === issuer) return;
      if (issuer !== "") changed++;
      issuer = certificate;
      expiry = Date.parse(new X509Certificate(certificate).validTo) / 1000;
    },
    exposition: () =>
      [
        metric("cert_sign_request_received_total", "counter", { "": received }),
        metric("cert_sign_success_total", "counter", { "": signed }),
        metric(
          "cert_sign_failure_total",
          "counter",
          Object.fromEntries(
            Object.entries(failed).map(([why, count]) => [`{reason="${why}"}`, count]),
          ),
        ),
        metric("issuercert_changed_total", "counter", { "": changed }),
        metric("issuercert_expiry_timestamp", "gauge", { "": expiry }),
      ].join(""),
  };
}

function metric(name: string, type: string, series: Readonly<Record<string, number>>): string {
  const full = `dapr_sentry_${name}`;
  const lines = Object.entries(series).map(([labels, value]) => `${full}${labels} ${value}\n`);
  return `# TYPE ${full} ${type}\n${lines.join("")}`;
}
