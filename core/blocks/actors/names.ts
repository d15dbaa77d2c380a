import { actorError } from "./errors.ts";

/** What a name of an actor, a timer or a reminder must not be; `undefined` for one that may be used. */
export function nameFault(name: string): string | undefined {
  if (name === "." || name === "..")
    return `name is a path traversal sequence: ${JSON.stringify(name)}`;
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return /[#?/\\\u0000-\u001f\u007f]/.test(name)
    ? `name contains forbidden character: ${JSON.stringify(name)}`
    : undefined;
}

/** Throws for names that an actor must not have. Dapr: over gRPC, the text lacks the first words. */
export function checkNames(type: string, id: string): void {
  for (const [what, name] of [
    ["actorType", type],
    ["actorId", id],
  ] as const) {
    const fault = nameFault(name);
    if (fault === undefined) continue;
    const message = `invalid ${what}: ${fault}`;
    throw actorError("ERR_BAD_REQUEST", `invalid request: ${message}`, { overGrpc: { message } });
  }
}

/** Throws for a name that a timer or reminder must not have. */
export function checkEntryName(name: string): void {
  const fault = nameFault(name);
  if (fault !== undefined) throw actorError("ERR_BAD_REQUEST", `invalid request: ${fault}`);
}

/** Types of the runtime's own, whose state, timers and reminders are nobody else's. */
export function checkReserved(type: string): void {
  if (type.startsWith("dapr.internal."))
    throw actorError(
      "ERR_ACTOR_TYPE_RESERVED",
      `actor type ${JSON.stringify(type)} is reserved for the Dapr workflow runtime; direct actor API access is not permitted`,
    );
}
