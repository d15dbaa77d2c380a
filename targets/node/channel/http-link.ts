import { httpChannel } from "./app-channel.ts";
import type { AppReach } from "./app-link.ts";

/** The way to an app that speaks HTTP/1, with or without TLS. */
export function httpChannelOf(app: AppReach, port: number): ReturnType<typeof httpChannel> {
  return httpChannel({
    host: app.appChannelAddress,
    port,
    tls: app.appProtocol === "https",
    maxConcurrency: app.appMaxConcurrency,
    maxHeaderBytes: app.readBufferBytes,
  });
}
