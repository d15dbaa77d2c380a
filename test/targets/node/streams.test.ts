import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

/** Bodies that are larger than anyone should hold, and clients that do not wait for the end. */
describe("streams through the runtime", () => {
  let runtime: SidecarProcess;
  let received = 0;
  let gone = 0;
  const app = createServer((incoming, outgoing) => {
    if (incoming.url === "/count") {
      received = 0;
      incoming.on("data", (chunk: Buffer) => (received += chunk.length));
      incoming.on("end", () => outgoing.end(String(received)));
    } else if (incoming.url === "/stall") {
      incoming.pause();
    } else if (incoming.url === "/events") {
      outgoing.on("close", () => gone++);
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.write("data: one\n\n");
    } else if (incoming.url === "/never") {
      outgoing.on("close", () => gone++);
    } else {
      outgoing.writeHead(404).end();
    }
  });
  beforeAll(async () => {
    await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
    const { port } = app.address() as AddressInfo;
    runtime = await sidecar({
      args: ["--app-id", "app", "--app-port", String(port), "--max-body-size", "200Mi"],
    });
    await runtime.healthy();
  }, 40_000);
  afterAll(async () => {
    await runtime?.stop();
    app.closeAllConnections();
    app.close();
  });
  const url = (method: string): string =>
    `http://127.0.0.1:${runtime.httpPort}/v1.0/invoke/app/method/${method}`;

  it("passes 100 MiB on, every byte of it", async () => {
    const size = 100 * 1024 * 1024;
    const chunk = Buffer.alloc(256 * 1024, "x");
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = request(url("count"), { method: "POST" }, (response) => {
        let text = "";
        response.on("data", (part: Buffer) => (text += part.toString()));
        response.on("end", () => resolve(text));
      });
      sent.on("error", reject);
      let left = size;
      const write = (): void => {
        while (left > 0) {
          left -= chunk.length;
          if (!sent.write(chunk)) {
            sent.once("drain", write);
            return;
          }
        }
        sent.end();
      };
      write();
    });
    expect(answer).toBe(String(size));
  });
  it("holds back a sender whose app does not read", async () => {
    const chunk = Buffer.alloc(64 * 1024, "x");
    const sent = request(url("stall"), { method: "POST" });
    sent.on("error", () => {});
    let accepted = 0;
    const write = (): void => {
      while (accepted < 150 * 1024 * 1024) {
        accepted += chunk.length;
        if (!sent.write(chunk)) {
          sent.once("drain", write);
          return;
        }
      }
    };
    write();
    // Long enough for a runtime that buffers to take all of it.
    await new Promise((done) => setTimeout(done, 1000));
    sent.destroy();
    expect(accepted).toBeLessThan(50 * 1024 * 1024);
  });
  it("hands events on as they come, and lets go of the app when the reader leaves", async () => {
    const left = gone;
    const reader = new AbortController();
    const response = await fetch(url("events"), {
      headers: { accept: "text/event-stream" },
      signal: reader.signal,
    });
    const first = await response.body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toBe("data: one\n\n");
    reader.abort();
    await eventually(() => gone > left);
  });
  it("gives up on an app that never answers once its caller has", async () => {
    const left = gone;
    const caller = new AbortController();
    const call = fetch(url("never"), { signal: caller.signal });
    setTimeout(() => caller.abort(), 100);
    await expect(call).rejects.toThrow();
    await eventually(() => gone > left);
  });
});
