import { randomBytes } from "node:crypto";
import { Agent, request } from "node:https";
import type { KeyPair } from "#k8s/injector/certificate-state.ts";
import type { CertificateSource } from "#k8s/injector/certificates.ts";
import { makeAuthority, makeServing } from "#k8s/injector/make-certificates.ts";
import { type InjectorServer, serveInjector } from "#k8s/injector/serve.ts";
import { type ReviewChanges, reviewDeps } from "./injector.ts";
import { type KeptLog, keptLog } from "./kept-log.ts";

/** An injector on loopback with a certificate of its own, and an API server's way of calling it. */
export interface RunningInjector extends AsyncDisposable {
  readonly server: InjectorServer;
  readonly log: KeptLog;
  readonly authority: KeyPair;
  /** As if renewed. */
  renew(pair: KeyPair): void;
  /** As if the certificates were in trouble. */
  problem: string | undefined;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  health(path: string): Promise<{ readonly status: number; readonly text: string }>;
}
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

export async function runInjector(
  changes: ReviewChanges & {
    readonly lingerMs?: number;
    readonly withoutCertificate?: boolean;
  } = {},
): Promise<RunningInjector> {
  const authority = await makeAuthority(Date.now(), 3_600_000);
  const first = await makeServing(authority, ["localhost", "127.0.0.1"], Date.now(), 3_600_000);
  let current = changes.withoutCertificate === true ? undefined : first;
  const listeners: Array<(pair: KeyPair) => void> = [];
  const self = { problem: undefined as string | undefined };
  const certificates: CertificateSource = {
    current: () => current,
    problem: () => self.problem ?? (current ? undefined : "none yet"),
    onChange: (listener) => {
      listeners.push(listener);
      if (current) listener(current);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const log = keptLog();
  const server = await serveInjector({
    ...reviewDeps(changes),
    random: randomBytes,
    now: Date.now,
    port: 0,
    healthPort: 0,
    address: "127.0.0.1",
    certificates,
    log,
    lingerMs: changes.lingerMs ?? 0,
  });
  if (current) await server.listening;
  const agent = new Agent({ keepAlive: true, ca: authority.certificate });
  return Object.assign(self, {
    server,
    log,
    authority,
    renew: (pair: KeyPair): void => {
      current = pair;
      for (const listener of listeners) listener(pair);
    },
    post: (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
      post(`https://127.0.0.1:${server.port}${path}`, agent, body, headers),
    health: async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${server.healthPort}${path}`);
      return { status: response.status, text: await response.text() };
    },
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await server[Symbol.asyncDispose]();
    },
  });
}

/** A text goes as it is, all else as JSON. */
export async function post(
  url: string,
  agent: Agent,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request(
    url,
    { agent, method: "POST", headers: { "content-type": "application/json", ...headers } },
    (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
      );
      response.on("error", reject);
    },
  );
  sent.on("error", reject);
  sent.end(typeof body === "string" ? body : JSON.stringify(body));
  return promise;
}
