import type { OptionTable } from "#core/ports/manifest.ts";

/** Options of every component that keeps a pool of connections (`readPoolSettings`). */
export const poolOptions: OptionTable = {
  timeout: {
    type: "duration",
    default: "5s",
    about: "Timeout for connecting and for each call (a number without a unit means seconds).",
  },
  maxConns: { type: "number", default: "4", about: "Maximum number of connections." },
  connectionMaxIdleTime: {
    type: "duration",
    default: "5m",
    about:
      "Time after which an unused connection is closed (a number without a unit means seconds).",
  },
};
