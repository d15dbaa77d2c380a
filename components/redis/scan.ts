import type { CallOptions } from "#core/ports/component.ts";
import type { RedisConnection } from "./connection.ts";

/** Keys that fit the glob pattern, some at a time, from every server that holds keys; one may come twice. */
export async function* scanKeys(
  connection: RedisConnection,
  pattern: string,
  options: CallOptions,
): AsyncGenerator<readonly string[]> {
  for (const master of await connection.masters()) {
    let cursor = "0";
    do {
      const scan = ["SCAN", cursor, "MATCH", pattern, "COUNT", "1000"];
      const reply = (await master.send(scan, options)) as [Buffer, Buffer[]];
      cursor = String(reply[0]);
      yield reply[1].map(String);
    } while (cursor !== "0");
  }
}
