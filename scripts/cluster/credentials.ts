/** Who may talk to the API server, and the files that say so. */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Authority, createAuthority, signingPair } from "./certificates.ts";
import { type NodePlaces, type Places, clusterDomain, serviceOfApi } from "./places.ts";

const users = {
  admin: { name: "admin", groups: ["system:masters"] },
  kwok: { name: "kwok", groups: ["system:masters"] },
  controllers: { name: "system:kube-controller-manager", groups: [] },
  scheduler: { name: "system:kube-scheduler", groups: [] },
  "node-a": { name: "system:node:node-a", groups: ["system:nodes"] },
  "node-b": { name: "system:node:node-b", groups: ["system:nodes"] },
} as const;
export type User = keyof typeof users;

export interface Credentials {
  readonly server: string;
  readonly ca: string;
  readonly adminToken: string;
  readonly authority: Authority;
}

/** Writes `pki/*` and a kubeconfig for each user; the server's address stands in all of them. */
export async function writeCredentials(places: Places, address: string): Promise<Credentials> {
  await mkdir(places.pki, { recursive: true });
  const server = `https://${address}:${places.ports.api}`;
  const [authority, signing] = await Promise.all([createAuthority(), signingPair()]);
  const keep = (name: string, text: string): Promise<void> =>
    writeFile(join(places.pki, name), text, { mode: 0o600 });
  const issue = async (name: string, ...asked: Parameters<Authority["issue"]>): Promise<void> => {
    const { cert, key } = await authority.issue(...asked);
    await Promise.all([keep(`${name}.crt`, cert), keep(`${name}.key`, key)]);
  };
  const tokens = Object.keys(users).map(
    (user) => [user as User, randomBytes(16).toString("hex")] as const,
  );
  const service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  await Promise.all([
    keep("ca.crt", authority.cert),
    keep("ca.key", authority.key),
    keep("sa.key", signing.privateKey),
    keep("sa.pub", signing.publicKey),
    keep("tokens.csv", tokens.map(([user, token]) => tokenLine(user, token)).join("")),
    issue("apiserver", "CN=kube-apiserver", {
      dns: ["localhost", ...service, `kubernetes.default.svc.${clusterDomain}`],
      ip: [...new Set(["127.0.0.1", address, serviceOfApi])],
    }),
    issue("kubelet-client", "O=system:masters,CN=apiserver-kubelet-client", {
      dns: ["apiserver"],
    }),
    ...places.nodes.map((node) => issue(`kubelet-${node.name}`, ...kubeletNames(node))),
    ...tokens.map(([user, token]) =>
      writeFile(
        join(places.folder, `${user}.kubeconfig`),
        kubeconfig(user, token, server, authority.cert),
        { mode: 0o600 },
      ),
    ),
  ]);
  const adminToken = tokens.find(([user]) => user === "admin")?.[1] ?? "";
  return { server, ca: authority.cert, adminToken, authority };
}

const kubeletNames = ({ name, ip }: NodePlaces): Parameters<Authority["issue"]> => [
  `O=system:nodes,CN=system:node:${name}`,
  { dns: [name], ip: [ip] },
];

function tokenLine(user: User, token: string): string {
  const { name, groups } = users[user];
  return `${token},${name},${user},"${groups.join(",")}"\n`;
}

/** JSON is YAML. */
function kubeconfig(user: string, token: string, server: string, ca: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "test",
        cluster: {
          server,
          "certificate-authority-data": Buffer.from(ca).toString("base64"),
        },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user } }],
    "current-context": "test",
  });
}
