/** etcd, asked directly: it has an HTTP gateway beside its gRPC API, on the same port. */
import type { ControlPlane } from "./control-plane.ts";
import { run } from "./run.ts";

/** Forgets every revision before the current one. */
export async function compactEtcd(plane: ControlPlane): Promise<void> {
  // Any key will do: each answer has the revision of the whole store in its header. `AA==` is the byte 0.
  const { header } = await ask<{ header: { revision: string } }>(plane, "range", { key: "AA==" });
  await ask(plane, "compaction", { revision: header.revision, physical: true });
}

/** By a process, since etcd may live in a real node's network, where this process is not. */
async function ask<T>({ places, prefix }: ControlPlane, what: string, body: object): Promise<T> {
  const url = `http://127.0.0.1:${places.ports.etcd}/v3/kv/${what}`;
  const script = `
    const answer = await fetch(${JSON.stringify(url)}, { method: "POST", body: ${JSON.stringify(JSON.stringify(body))} });
    console.log(await answer.text());
    process.exitCode = answer.ok ? 0 : 1;`;
  const node = [process.execPath, "--input-type=module", "-e", script];
  return JSON.parse(await run([...prefix, ...node], { timeoutMs: 20_000 })) as T;
}
