/**
 * The main job, end to end: three apps written with the official Dapr SDK, one runtime. Each step is
 * checked from outside; the exit code says whether all held. `--keep` leaves it up until Ctrl-C.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";

const root = join(import.meta.dirname, "..");
const example = join(root, "examples/order-flow");
const limitMs = 60_000;

interface RunFile {
  common: { resourcesPath: string };
  apps: Array<{
    appID: string;
    appDirPath: string;
    appPort: number;
    daprHTTPPort: number;
    command: string[];
  }>;
}

/** A copy of the example's run file, on free ports and in a folder of its own, which is where its state goes. */
async function prepare(): Promise<{
  readonly folder: string;
  readonly runFile: string;
  readonly ports: ReadonlyMap<string, number>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-demo-"));
  const run = parse(await readFile(join(example, "dapr.yaml"), "utf8")) as RunFile;
  run.common.resourcesPath = resolve(process.env["DEMO_RESOURCES"] ?? join(example, "components"));
  for (const app of run.apps) {
    app.appDirPath = resolve(example, app.appDirPath);
    [app.appPort, app.daprHTTPPort] = [await freePort(), await freePort()];
    app.command = app.command.map((part) => (part === "node" ? process.execPath : part));
  }
  const runFile = join(folder, "dapr.yaml");
  await writeFile(runFile, stringify(run));
  await cp(join(example, "secrets.json"), join(folder, "secrets.json"));
  return { folder, runFile, ports: new Map(run.apps.map((app) => [app.appID, app.daprHTTPPort])) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** Prints a step with its time; throws when what was found is not what was wanted. */
class Steps {
  #since = performance.now();
  #count = 0;
  readonly #start = performance.now();
  done(what: string, found: unknown, wanted: unknown): void {
    const ms = performance.now() - this.#since;
    const ok = isDeepStrictEqual(found, wanted);
    console.log(
      `${ok ? "ok  " : "FAIL"} ${String(++this.#count).padStart(2)}  ${what.padEnd(72)} ${ms.toFixed(0).padStart(6)} ms`,
    );
    if (!ok)
      throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`);
    this.#since = performance.now();
  }
  summary(): string {
    return `${this.#count} steps, all as they should be, in ${((performance.now() - this.#start) / 1000).toFixed(1)} s`;
  }
}

/** Asks until the answer is there. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  let last: unknown;
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    try {
      const found = await ask();
      if (found !== undefined) return found;
    } catch (reason) {
      last = reason;
    }
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`${what} did not come within 30 s`, { cause: last });
}

async function play(ports: ReadonlyMap<string, number>): Promise<void> {
  const steps = new Steps();
  const url = (app: string, path: string): string => `http://127.0.0.1:${ports.get(app)}${path}`;
  async function call<T>(app: string, path: string, init: RequestInit = {}): Promise<T> {
    const answer = await fetch(url(app, path), { ...init, signal: AbortSignal.timeout(10_000) });
    if (!answer.ok)
      throw new Error(
        `${init.method ?? "GET"} ${path} answered ${answer.status}: ${await answer.text()}`,
      );
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }
  const invoke = <T>(app: string, method: string, body?: unknown, verb = "POST"): Promise<T> =>
    call(app, `/v1.0/invoke/${app}/method/${method}`, {
      method: body === undefined ? "GET" : verb,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
  interface Placed {
    readonly accepted: boolean;
    readonly paid: boolean;
    readonly total: number;
    readonly reservation: {
      readonly reserved: boolean;
      readonly left: number;
      readonly attempts: number;
    };
  }
  const order = (id: string, quantity: number, price: number): Promise<Placed> =>
    invoke("checkout", "order", { id, item: "lamp", quantity, price });
  interface Shipping {
    readonly express: string[];
    readonly swept: string[];
    readonly sweeps: number;
  }
  const shipping = (): Promise<Shipping> => invoke("shipping", "report");

  for (const app of ports.keys())
    await until(`Health of ${app}`, async () =>
      (await fetch(url(app, "/v1.0/healthz"))).status === 204 ? true : undefined,
    );
  steps.done("three apps are up behind one runtime", ports.size, 3);

  await invoke("inventory", "stock", [{ key: "lamp", value: 10 }], "PUT");
  steps.done(
    "state: inventory stores 10 lamps",
    await call("shipping", "/v1.0/state/statestore/lamp"),
    10,
  );

  const small = await order("small", 1, 20);
  steps.done("invocation: checkout reserves 1 lamp at inventory", small.reservation, {
    item: "lamp",
    reserved: true,
    left: 9,
    attempts: 1,
  });
  steps.done("secret: checkout signs with the key of its vault", small.paid, true);

  const [one, other] = await Promise.all([order("large-1", 3, 80), order("large-2", 2, 90)]);
  const attempts = [one.reservation.attempts, other.reservation.attempts].sort((a, b) => a - b);
  steps.done("state: two orders at once; the loser of the ETag race tries again", attempts, [1, 2]);
  steps.done(
    "state: no reservation was lost",
    await call("inventory", "/v1.0/state/statestore/lamp"),
    4,
  );

  const refused = await order("too-many", 5, 10);
  steps.done(
    "an order above the stock is refused",
    [refused.accepted, refused.reservation.left],
    [false, 4],
  );

  const routed = await until("The large orders", async () => {
    const { express } = await shipping();
    return express.length === 2 ? [...express].sort() : undefined;
  });
  steps.done("pub/sub: shipping's own routes send large orders to express", routed, [
    "large-1",
    "large-2",
  ]);
  const audited = await until("The audit", async () => {
    const { audited: ids } = await invoke<{ audited: string[] }>("inventory", "report");
    return ids.length === 2 ? [...ids].sort() : undefined;
  });
  steps.done("pub/sub: a declared subscription sends them to inventory's audit too", audited, [
    "large-1",
    "large-2",
  ]);

  const swept = await until("The sweep", async () => {
    const { swept: ids } = await shipping();
    return ids.length > 0 ? ids : undefined;
  });
  steps.done("cron: the next sweep ships the small order", swept, ["small"]);
  steps.done(
    "state: the shipment is there for every app",
    await call("checkout", "/v1.0/state/statestore/shipment-small"),
    { id: "small", shipped: true },
  );

  const denied = await fetch(url("shipping", "/v1.0/secrets/vault/payments:apiKey"));
  steps.done("scopes: shipping cannot see checkout's vault", denied.status, 500);
  console.log(`\n${steps.summary()}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await ended;
  clearTimeout(timer);
}

const keep = process.argv.includes("--keep");
const { folder, runFile, ports } = await prepare();
const child = spawn(process.execPath, [join(root, "bin/outrigger.mjs"), "run", "-f", runFile], {
  cwd: folder,
  stdio: ["ignore", "pipe", "pipe"],
});
let output = "";
const collect = (chunk: Buffer): void => {
  output = (output + chunk.toString()).slice(-20_000);
};
child.stdout.on("data", collect);
child.stderr.on("data", collect);
const asked = new Promise<void>((done) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
});
let code = 0;
try {
  console.log("Order flow: checkout, inventory and shipping behind one Outrigger\n");
  const early = new Promise<never>((_, fail) =>
    child.once("exit", (status) => fail(new Error(`outrigger ended early with code ${status}`))),
  );
  const late = new Promise<never>((_, fail) => {
    setTimeout(
      () => fail(new Error(`the demo took longer than ${limitMs / 1000} s`)),
      limitMs,
    ).unref();
  });
  await Promise.race([play(ports), early, late, asked]);
  if (keep) {
    console.log("\nStill up (Ctrl-C ends it):");
    for (const [app, port] of ports)
      console.log(`  ${app.padEnd(10)} http://127.0.0.1:${port}/v1.0/metadata`);
    await Promise.race([asked, early]);
  }
} catch (reason) {
  code = 1;
  console.error(`\nThe demo failed: ${(reason as Error).message}`);
  if ((reason as Error).cause) console.error(`  because: ${String((reason as Error).cause)}`);
  console.error(`\nLast lines of the runtime and its apps:\n${output}`);
}
await end(child);
await rm(folder, { recursive: true, force: true });
process.exit(code);
