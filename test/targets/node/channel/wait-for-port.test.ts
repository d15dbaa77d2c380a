import { createServer } from "node:net";
import { expect, it } from "vitest";
import { waitForPort } from "#targets/node/channel/wait-for-port.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { freePort } from "#test/support/free-port.ts";

it("says at once and every 10 s what it waits for, until somebody listens", async () => {
  const clock = fakeClock();
  const port = await freePort();
  const said: number[] = [];
  const waited = waitForPort("127.0.0.1", port, clock, new AbortController(), (seconds) =>
    said.push(seconds),
  );
  let isUp = false;
  void waited.then(() => (isUp = true));
  await eventually(() => said.length === 1);
  await eventually(async () => {
    await clock.advance(1000);
    return said.length === 3;
  });
  const server = createServer().listen(port, "127.0.0.1");
  await eventually(async () => {
    await clock.advance(100);
    return isUp;
  });
  server.close();
  const [first = -1, second = 0, third = 0] = said;
  expect([first, second >= 10 && second < 12, third - second >= 10]).toEqual([0, true, true]);
});

it("says nothing where somebody listens already, and ends with its signal", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const said: number[] = [];
  const say = (seconds: number): void => void said.push(seconds);
  await waitForPort("127.0.0.1", port, fakeClock(), new AbortController(), say);
  expect(said).toEqual([]);
  await new Promise((resolve) => server.close(resolve));
  const ending = new AbortController();
  const waiting = waitForPort("127.0.0.1", port, fakeClock(), ending, say);
  await eventually(() => said.length > 0);
  ending.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});
