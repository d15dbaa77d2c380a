/** Writes keys without end and prints each one that is acknowledged; its parent kills it. */
import { open } from "#components/sqlite/state-store.ts";
import { testHost } from "./host.ts";

const [path = "", prefix = ""] = process.argv.slice(2);
const spec = {
  name: "writer",
  namespace: "default",
  metadata: { connectionstring: path, timeout: "20s", busytimeout: "2s" },
};
const store = await open(spec, testHost());
const options = { signal: new AbortController().signal };
for (let i = 0; ; i++) {
  const keys = Array.from({ length: 1 + (i % 7) }, (_, j) => `${prefix}||${i}-${j}`);
  await Promise.all(
    keys.map(async (key) => {
      await store.write({ op: "put", key, value: JSON.stringify(key), metadata: {} }, options);
      process.stdout.write(`${key}\n`);
    }),
  );
}
