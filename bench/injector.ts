import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { loopbackCertificate } from "./certificate.ts";
import { rssBytes } from "./process.ts";

// Admissions as an API server sends them: over TLS, on connections that it keeps.
//
//     node bench/injector.ts                  at 50 admissions a second for 20 s, then as many as go
//     node bench/injector.ts --rate 200 --seconds 60

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "50" },
    seconds: { type: "string", default: "20" },
    connections: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const connections = Number(values.connections);
const mostP99Ms = 50;

/** A Job's pod as it is at admission: defaulted, with two containers. */
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    generateName: "import-",
    namespace: "shop",
    labels: { "job-name": "import", "batch.kubernetes.io/job-name": "import" },
    annotations: {
      "dapr.io/enabled": "true",
      "dapr.io/app-id": "import",
      "dapr.io/app-port": "8080",
      "dapr.io/config": "tracing",
    },
    ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "import", controller: true }],
    managedFields: [{ manager: "kube-controller-manager", fieldsV1: { filler: "x".repeat(2000) } }],
  },
  spec: {
    restartPolicy: "Never",
    serviceAccountName: "default",
    containers: ["app", "log"].map((name) => ({
      name,
      image: "example/app:1",
      env: Array.from({ length: 10 }, (_, i) => ({ name: `SETTING_${i}`, value: `value ${i}` })),
      volumeMounts: [
        { name: "kube-api-access", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
      ],
    })),
    volumes: [{ name: "kube-api-access", projected: { sources: [] } }],
  },
};
const body = Buffer.from(
  JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      resource: { group: "", version: "v1", resource: "pods" },
      operation: "CREATE",
      namespace: "shop",
      object: pod,
    },
  }),
);

await using injector = await startInjector();
const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: injector.ca });
await paced(rate, 2);
const steady = await paced(rate, seconds);
const full = await unpaced(Math.min(seconds, 10));
const rss = rssBytes([injector.pid]);
agent.destroy();
const results = {
  rate,
  steady,
  highest: { perSecond: full.perSecond, p99Ms: full.p99Ms, failed: full.failed },
  rssMb: Math.round(rss / 1024 / 1024),
};
if (values.json) console.log(JSON.stringify(results));
else {
  const { sent, failed, p50Ms, p99Ms, mostMs } = steady;
  console.log(`${rate}/s for ${seconds} s: ${sent} admissions, ${failed} failed`);
  console.log(
    `  p50 ${p50Ms} ms, p99 ${p99Ms} ms, longest ${mostMs} ms (wanted: p99 under ${mostP99Ms} ms)`,
  );
  console.log(
    `over ${connections} connections without a pause: ${full.perSecond}/s, p99 ${full.p99Ms} ms, ${full.failed} failed`,
  );
  console.log(`resident memory: ${results.rssMb} MB`);
}
if (steady.failed + full.failed > 0 || steady.p99Ms >= mostP99Ms) process.exitCode = 1;

interface Times {
  readonly sent: number;
  readonly failed: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

/** Each at its own moment, whether or not those before are answered. */
async function paced(perSecond: number, forSeconds: number): Promise<Times> {
  const began = performance.now();
  const all: Array<Promise<number | undefined>> = [];
  const total = perSecond * forSeconds;
  for (let i = 0; i < total; i++) {
    const due = began + (i * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await delay(wait);
    // Counted from the moment it was due: a queue here is waiting time too.
    all.push(admit(Math.max(due, performance.now() - 5)));
  }
  return timesOf(await Promise.all(all), performance.now() - began);
}

async function unpaced(forSeconds: number): Promise<Times> {
  const began = performance.now();
  const all: Array<number | undefined> = [];
  const worker = async (): Promise<void> => {
    while (performance.now() - began < forSeconds * 1000) all.push(await admit(performance.now()));
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return timesOf(all, performance.now() - began);
}

function timesOf(all: ReadonlyArray<number | undefined>, tookMs: number): Times {
  const times = all.filter((ms) => ms !== undefined).sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) * 100) /
    100;
  return {
    sent: all.length,
    failed: all.length - times.length,
    perSecond: Math.round((times.length * 1000) / tookMs),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    mostMs: at(1),
  };
}

/** Milliseconds until the answer was whole; `undefined` for one that is not an injection. */
function admit(began: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request(
      `https://127.0.0.1:${injector.port}/mutate?timeout=10s`,
      {
        agent,
        method: "POST",
        headers: { "content-type": "application/json", "content-length": body.length },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
        response.on("error", () => resolve(undefined));
        response.on("end", () => {
          const took = performance.now() - began;
          const isInjected =
            response.statusCode === 200 && text.includes('"patchType":"JSONPatch"');
          resolve(isInjected ? took : undefined);
        });
      },
    );
    sent.on("error", () => resolve(undefined));
    sent.end(body);
  });
}

/** `outrigger injector` as a process of its own, with a certificate that we know. */
async function startInjector(): Promise<
  AsyncDisposable & { readonly port: number; readonly pid: number; readonly ca: string }
> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-bench-"));
  const pair = await loopbackCertificate();
  await writeFile(join(folder, "tls.crt"), pair.certificate);
  await writeFile(join(folder, "tls.key"), pair.privateKey);
  const [port, health] = [await freePort(), await freePort()];
  const args = [
    "injector",
    "--cert-dir",
    folder,
    "--port",
    `${port}`,
    "--health-port",
    `${health}`,
  ];
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "../bin/outrigger.mjs"), ...args],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://127.0.0.1:${health}/readyz`).catch(() => undefined);
    if (answer?.ok === true) break;
    if (child.exitCode !== null || tries > 200)
      throw new Error("The injector did not start; is it built?");
    await delay(50);
  }
  return {
    port,
    pid: child.pid as number,
    ca: pair.certificate,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
