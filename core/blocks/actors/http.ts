import { noContent } from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import type { NotBuilt } from "#core/blocks/_shared/not-built.ts";
import {
  getActorState,
  getReminder,
  invokeActor,
  registerReminder,
  registerTimer,
  transactActorState,
  unregisterReminder,
  unregisterTimer,
} from "./operations.ts";

const write = ["POST", "PUT"];
const rows: ReadonlyArray<readonly [methods: readonly string[], path: string, NotBuilt]> = [
  [write, "state", transactActorState],
  [["GET"], "state/:key", getActorState],
  [["GET", ...write, "DELETE"], "method/:method", invokeActor],
  [["GET"], "reminders/:name", getReminder],
  [write, "reminders/:name", registerReminder],
  [["DELETE"], "reminders/:name", unregisterReminder],
  [write, "timers/:name", registerTimer],
  [["DELETE"], "timers/:name", unregisterTimer],
];

export function actorsHttp(routes: HttpRoutes): void {
  for (const [methods, path, operation] of rows)
    routes.on(
      methods,
      `/v1.0/actors/:type/:id/${path}`,
      operation,
      () => undefined,
      () => noContent,
    );
}
