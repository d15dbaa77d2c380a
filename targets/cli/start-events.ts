import type { AppReady, StartEvent } from "#targets/node/options.ts";
import type { ApiAddresses } from "./api-addresses.ts";

/** A message for a user who waits for an app. */
export function eventText(event: StartEvent, addresses: ApiAddresses): string {
  const { appId } = event;
  switch (event.kind) {
    case "waiting":
      return event.seconds === 0
        ? `Waiting for app "${appId}" on port ${event.port}`
        : `Still waiting for app "${appId}" on port ${event.port} after ${event.seconds} s: it is not called until it listens there (--app-port)`;
    case "listening":
      return `App "${appId}" is listening on port ${event.port}`;
    case "ready":
      return `App "${appId}" is ready: ${readyParts(event, addresses)
        .map(([what, value]) => `${what} ${value}`)
        .join("; ")}`;
  }
}

/** The same for a terminal, with separate lines for what is ready. */
export function eventLines(event: StartEvent, addresses: ApiAddresses): string {
  if (event.kind !== "ready") return eventText(event, addresses);
  const lines = readyParts(event, addresses).map(
    ([what, value]) => `\n    ${what.padEnd(longest)}  ${value}`,
  );
  return `App "${event.appId}" is ready${lines.join("")}`;
}
const longest = "subscriptions".length;

function readyParts(
  { components, failed, subscriptions }: AppReady,
  addresses: ApiAddresses,
): ReadonlyArray<readonly [what: string, value: string]> {
  const list = (
    what: string,
    values: readonly string[],
  ): ReadonlyArray<readonly [string, string]> =>
    values.length === 0 ? [] : [[what, values.join(", ")]];
  return [
    ["HTTP API", addresses.http],
    ["gRPC API", addresses.grpc],
    ...list(
      "components",
      components.map(({ name, type }) => `${name} (${type})`),
    ),
    ...list("not started", failed),
    ...list(
      "subscriptions",
      subscriptions.map(({ topic, pubsubname }) => `${topic} on ${pubsubname}`),
    ),
  ];
}
