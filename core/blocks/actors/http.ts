import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import { compactJson } from "#core/util/compact-json.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import {
  jsonText,
  metadataHeaders,
  noContent,
  type RouteResponse,
} from "#core/wire/http/response.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { responseHeaders } from "#core/blocks/_shared/forwarded-headers.ts";
import { jsonType } from "#core/util/content-types.ts";
import { headerOf } from "#core/util/header-list.ts";
import { collect } from "#core/util/bounded-read.ts";
import { splitTarget } from "#core/util/path.ts";
import { readJsonBody } from "./body.ts";
import { actorState } from "./state.ts";
import { readStateOps } from "./state-request.ts";
import type { ActorName } from "#core/ports/actor-host.ts";
import { readEntryBody } from "./entry-request.ts";
import type { ReminderView } from "./reminder.ts";
import { type NamedReminder, reminderOperations } from "./reminder-operations.ts";
import { timerOperations } from "./timer-operations.ts";
import { actorError } from "./errors.ts";
import { type ActorAnswer, actorInvocation, type InvokeActor } from "./invoke.ts";

const base = "/v1.0/actors/:type/:id";

export function actorsHttp(routes: HttpRoutes, services: RuntimeServices): void {
  routes.on(
    ["GET", "POST", "PUT", "DELETE"],
    `${base}/method/:method`,
    services.part(actorInvocation),
    readInvoke,
    writeInvoke,
  );
  const { get, transact } = services.part(actorState);
  routes.on(
    ["GET"],
    `${base}/state/:key`,
    get,
    (input) => ({ ...nameOf(input), key: input.param("key") }),
    (item) => {
      if (!item || item.value.length === 0) return noContent;
      const headers: Record<string, string> = item.metadata ? metadataHeaders(item.metadata) : {};
      headers["content-type"] = jsonType;
      return { status: 200, headers, body: item.value };
    },
  );
  routes.on(
    write,
    `${base}/state`,
    transact,
    async (input) => ({
      ...nameOf(input),
      operations: readStateOps((await readJsonBody(input)).value),
    }),
    () => noContent,
  );
  const timers = services.part(timerOperations);
  routes.on(
    write,
    `${base}/timers/:name`,
    timers.register,
    async (input) => ({
      ...entryOf(input),
      ...readEntryBody(await readJsonBody(input), "createTimerAlias"),
    }),
    () => noContent,
  );
  routes.on(["DELETE"], `${base}/timers/:name`, timers.unregister, entryOf, () => noContent);
  const reminders = services.part(reminderOperations);
  routes.on(
    write,
    `${base}/reminders/:name`,
    reminders.register,
    async (input) => {
      const body = readEntryBody(await readJsonBody(input), "createReminderAlias");
      return { ...entryOf(input), ...body, overwrite: body.overwrite ?? true };
    },
    () => noContent,
  );
  routes.on(["GET"], `${base}/reminders/:name`, reminders.get, entryOf, writeReminder);
  routes.on(["DELETE"], `${base}/reminders/:name`, reminders.unregister, entryOf, () => noContent);
}

const write: readonly string[] = ["POST", "PUT"];

function entryOf(input: HttpInput): NamedReminder {
  return { ...nameOf(input), name: input.param("name") };
}

/** In the order of Go's encoder; the data is put in as the app has sent it, without white space. */
function writeReminder({ id, type, data, dueTime, period, ttl }: ReminderView): RouteResponse {
  const members = [
    `"actorID":${JSON.stringify(id)}`,
    `"actorType":${JSON.stringify(type)}`,
    ...(data === undefined ? [] : [`"data":${compactJson(data)}`]),
    ...Object.entries({ dueTime, period, ttl }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${JSON.stringify(name)}:${JSON.stringify(value)}`],
    ),
  ];
  return jsonText(`{${members.join(",")}}\n`);
}

function nameOf(input: HttpInput): ActorName {
  return { type: input.param("type"), id: input.param("id") };
}

async function readInvoke(input: HttpInput): Promise<InvokeActor> {
  return {
    ...nameOf(input),
    method: input.param("method"),
    query: splitTarget(input.target).query,
    headers: input.headers,
    body: await readBody(input),
  };
}

/** Of any method; `undefined` for none. */
async function readBody(input: HttpInput): Promise<Uint8Array | undefined> {
  try {
    const { method } = input.request;
    if (method !== "GET") {
      const bytes = await input.bytes();
      return bytes.byteLength > 0 ? bytes : undefined;
    }
    const hasBody = input.streams || (headerOf(input.headers, "content-length") ?? "0") !== "0";
    const body = hasBody ? input.body : null;
    return body ? await collect(body, input.app.limits.maxBodyBytes) : undefined;
  } catch (reason) {
    throw actorError(
      "ERR_BAD_REQUEST",
      `invalid request: failed to read body: ${messageOf(reason)}`,
      { cause: reason },
    );
  }
}

/** Dapr: what has no content type is called JSON. */
function writeInvoke({ headers, body }: ActorAnswer): RouteResponse {
  const rawHeaders = responseHeaders(headers);
  if (headerOf(headers, "content-type") === undefined) rawHeaders.push("content-type", jsonType);
  return { status: 200, rawHeaders, body };
}
