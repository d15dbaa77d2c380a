import type { AppRef, Platform } from "#core/ports/platform.ts";
import type { App } from "./app.ts";

/** What a block may take from the runtime that it is bound to. */
export interface RuntimeServices {
  readonly platform: Platform;
  /** One of the hosted replicas of the app, in turn; `undefined` where the runtime hosts none. */
  find(app: AppRef): App | undefined;
  /** What a block keeps for the whole runtime; made when it is first asked for. */
  part<T>(part: RuntimePart<T>): T;
}
/** Made once for each runtime, however many wires and blocks ask for it. */
export interface RuntimePart<T> {
  readonly name: string;
  create(services: RuntimeServices): T;
}

export function createServices(platform: Platform, find: RuntimeServices["find"]): RuntimeServices {
  const made = new Map<RuntimePart<unknown>, unknown>();
  const services: RuntimeServices = {
    platform,
    find,
    part: <T>(part: RuntimePart<T>): T => {
      if (!made.has(part)) made.set(part, part.create(services));
      return made.get(part) as T;
    },
  };
  return services;
}
