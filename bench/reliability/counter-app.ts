import { Pool } from "undici";
import type { ActorApp, ActorId } from "./app-host.ts";
import type { Ledger } from "./ledger.ts";
import type { HostMark, TurnCheck } from "./turn-check.ts";

export interface CounterApp extends ActorApp {
  readonly mark: HostMark;
  died(): void;
}

/**
 * Actors that count, as an SDK runs them: an actor reads its state when it is activated, keeps it in memory until it is
 * deactivated, and writes it with each turn. An owner that goes on after it has lost the actor would write an old value.
 */
export function createCounterApp(
  {
    type,
    name,
    daprPort,
  }: { readonly type: string; readonly name: string; readonly daprPort: number },
  check: TurnCheck,
  ledger: Ledger,
): CounterApp {
  const counts = new Map<string, number>();
  const mark: HostMark = { name, isDead: false, wasPaused: false };
  const runtime = new Pool(`http://127.0.0.1:${daprPort}`, { connections: 64 });
  const stateOf = ({ id }: ActorId): string => `/v1.0/actors/${type}/${id}/state`;

  async function read(actor: ActorId): Promise<number> {
    const { statusCode, body } = await runtime.request({
      method: "GET",
      path: `${stateOf(actor)}/count`,
    });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`reading: ${statusCode} ${text}`);
    return text === "" ? 0 : Number(text);
  }
  async function write(actor: ActorId, value: number): Promise<void> {
    let answer;
    try {
      const { statusCode, body } = await runtime.request({
        method: "POST",
        path: stateOf(actor),
        headers: { "content-type": "application/json" },
        body: JSON.stringify([{ operation: "upsert", request: { key: "count", value } }]),
      });
      answer = { statusCode, text: await body.text() };
    } catch (reason) {
      ledger.unknown(actor.id);
      throw reason;
    }
    if (answer.statusCode >= 300) {
      // A refusal, unless the store did not answer.
      ledger.unknown(actor.id);
      throw new Error(`writing: ${answer.statusCode} ${answer.text}`);
    }
    ledger.committed(actor.id);
  }
  async function add(actor: ActorId): Promise<number> {
    try {
      const count = (counts.get(actor.id) ?? (await read(actor))) + 1;
      await write(actor, count);
      counts.set(actor.id, count);
      return count;
    } catch (reason) {
      counts.delete(actor.id);
      throw reason;
    }
  }
  return {
    types: [type],
    mark,
    invoke: async (actor, method) => {
      if (method === "read") return String(await read(actor));
      const end = check.begin(actor.id, mark);
      try {
        return JSON.stringify({ count: await add(actor), host: name });
      } finally {
        end();
      }
    },
    deactivate: ({ id }) => void counts.delete(id),
    died: () => {
      mark.isDead = true;
      void runtime.destroy();
    },
  };
}
