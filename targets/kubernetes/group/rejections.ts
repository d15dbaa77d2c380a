import type { Rejection } from "#targets/node/listen/app-finder.ts";

export const missing: Rejection = { status: 401, message: "missing api token" };
export const invalid: Rejection = { status: 401, message: "invalid api token" };
export const tooMany: Rejection = { status: 429, message: "too many invalid api tokens" };
export const foreign: Rejection = {
  status: 403,
  message: "the api token belongs to another pod than the one that calls",
};
export const notYet: Rejection = {
  status: 503,
  message: "the runtime does not know this pod yet; try again",
};
export const unread: Rejection = {
  status: 503,
  message: "the runtime cannot read service account tokens now; try again",
};
export const opening: Rejection = {
  status: 503,
  message: "the components of the app are still opening; try again",
};
