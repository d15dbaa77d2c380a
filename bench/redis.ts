import { createClient } from "@redis/client";
import { listens } from "./runtime.ts";

const port = 6379;
/** Why the rows with Redis are left out; undefined where it is there. */
export async function redisMissing(): Promise<string | undefined> {
  return (await listens(port)) ? undefined : `nothing listens on 127.0.0.1:${port}`;
}

/** Takes away the stream that publishing has made; state is deleted through the API. */
export async function deleteStream(topic: string): Promise<void> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.del(topic);
  } finally {
    await client.close();
  }
}
