import { serveAside, type SideServer } from "./side-server.ts";

const readMs = 5000;

/** `GET /healthz`: the process lives. `GET /readyz`: it may be called; else 503 with what it waits for. Anything else: 404. */
export function serveHealth(options: {
  readonly port: number;
  readonly address: string;
  /** Empty when ready. */
  waitsFor(): string;
}): Promise<SideServer> {
  return serveAside({ ...options, readMs, keepAliveMs: readMs }, (request, response) => {
    const path = request.url?.split("?")[0];
    const why = path === "/readyz" ? options.waitsFor() : "";
    const status = path !== "/healthz" && path !== "/readyz" ? 404 : why === "" ? 200 : 503;
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
    response.end(status === 200 ? "ok\n" : `${why || "not found"}\n`);
  });
}
