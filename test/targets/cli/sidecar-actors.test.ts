import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { sidecar } from "#test/support/sidecar.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

/** Not the connection of an earlier request: what has to work is a new one. */
const headers = { connection: "close", "content-type": "application/json" };

it("lets a turn, and a deactivation, write state while the runtime stops", async () => {
  const folder = join(temporaryFile("state.db"), "..");
  writeFileSync(
    join(folder, "state.yaml"),
    `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: store }
spec:
  type: state.sqlite
  version: v1
  metadata:
    - { name: connectionString, value: ${JSON.stringify(join(folder, "state.db"))} }
    - { name: actorStateStore, value: "true" }
`,
  );
  const begun = Promise.withResolvers<void>();
  const stopping = Promise.withResolvers<void>();
  const written: Array<readonly [string, number]> = [];
  let api = "";
  const write = async (what: string): Promise<void> => {
    const body = JSON.stringify([{ operation: "upsert", request: { key: what, value: 1 } }]);
    const url = `${api}/v1.0/actors/cart/7/state`;
    const answer = await fetch(url, { method: "POST", headers, body });
    written.push([what, answer.status]);
  };
  const app = createServer((request, response) => {
    void (async () => {
      if (request.url === "/dapr/config") return response.end('{"entities":["cart"]}');
      if (request.method === "DELETE") await write("deactivated").catch(() => {});
      else if (request.url === "/actors/cart/7/method/slow") {
        begun.resolve();
        await stopping.promise;
        await write("turn").catch(() => {});
      } else response.statusCode = 404;
      return response.end();
    })();
  });
  await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
  onTestFinished(() => void app.close());
  const { port } = app.address() as AddressInfo;
  const args = ["--app-id", "shop", "--app-port", String(port), "--resources-path", folder];
  args.push("--coordination", `sqlite:${join(folder, "owners.db")}`, "--log-level", "debug");
  const process = await sidecar({ args });
  onTestFinished(() => void process.child.kill("SIGKILL"));
  await process.healthy();
  api = `http://127.0.0.1:${process.httpPort}`;
  const call = fetch(`${api}/v1.0/actors/cart/7/method/slow`, { method: "PUT", headers });
  await begun.promise;
  const stopped = process.stop();
  await eventually(() => process.output().includes("The apps are no longer called"));
  stopping.resolve();
  expect((await call).status).toBe(200);
  expect(await stopped).toBe(0);
  expect(written).toEqual([
    ["turn", 204],
    ["deactivated", 204],
  ]);
});
