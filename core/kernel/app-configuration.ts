import type { Alive, Part } from "./part.ts";

/** What an HTTP app has answered to `GET /dapr/config`, as JSON; `undefined` where it was not asked, or said nothing. */
export const appConfiguration: Part<Alive & { answer: unknown }> = {
  name: "app.configuration",
  create: () => ({ answer: undefined }),
};
