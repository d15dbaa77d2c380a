import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";

const bin = join(import.meta.dirname, "../../../bin/outrigger.mjs");
const running: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(
    running.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      await closed;
    }),
  );
});

const scratch = (): string => realpathSync(mkdtempSync(join(tmpdir(), "outrigger-terminals-")));
const home = scratch();
/** `outrigger run` with the default components, as in a terminal and a folder of its own; answers what it has printed. */
function terminal(appId: string, port: number | undefined, script: string): () => string {
  const args = ["run", "-a", appId, ...(port === undefined ? [] : ["-p", String(port)])];
  const child = spawn(process.execPath, [bin, ...args, "--", process.execPath, "-e", script], {
    cwd: scratch(),
    env: { HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return () => output;
}
const subscriber = `require("node:http").createServer(async (request, response) => {
  let text = ""; for await (const chunk of request) text += chunk;
  if (request.url === "/dapr/subscribe") return response.setHeader("content-type", "application/json").end(JSON.stringify([{ pubsubname: "pubsub", topic: "orders", route: "/orders" }]));
  if (request.url === "/orders") console.log("got " + JSON.parse(text).data.id);
  response.end("{}");
}).listen(process.env.APP_PORT, "127.0.0.1")`;
const publisher = (id: number): string =>
  `fetch(process.env.DAPR_HTTP_ENDPOINT + "/v1.0/publish/pubsub/orders", { method: "POST", headers: { "content-type": "application/json" }, body: '{"id":${id}}' }).then(({ status }) => console.log("published " + status))`;

const within = { withinMs: 30_000 };

it("what one publishes with the default components reaches the other, also when that one starts later", async () => {
  const early = terminal("early", undefined, publisher(1));
  await eventually(() => early().includes("published 204"), within);
  expect(early()).toMatch(/No app has subscribed to topic orders of pubsub yet/);
  const heard = terminal("subscriber", await freePort(), subscriber);
  await eventually(() => heard().includes("got 1"), within);
  const late = terminal("late", undefined, publisher(2));
  await eventually(() => heard().includes("got 2"), within);
  expect(late()).not.toMatch(/No app has subscribed/);
  expect(heard().match(/got \d/g)).toEqual(["got 1", "got 2"]);
});
