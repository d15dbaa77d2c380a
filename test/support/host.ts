import { setTimeout as delay } from "node:timers/promises";
import type { ComponentSpec, Host, Kind, Kinds, Manifest } from "#core/ports/manifest.ts";
import type { Clock } from "#core/ports/platform.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}
type Fields = Readonly<Record<string, unknown>> | undefined;
/** A Host with the real clock, whose log can be read. */
export interface TestHost extends Host {
  readonly lines: LogLine[];
  /** The same with their fields. */
  readonly entries: Array<LogLine & { readonly fields: Fields }>;
}

const realClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: async (ms, { signal }) => {
    await delay(ms, undefined, { signal });
  },
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};

export function testHost(overrides: Partial<Host> = {}): TestHost {
  const lines: LogLine[] = [];
  const entries: TestHost["entries"] = [];
  const at =
    (level: LogLine["level"]) =>
    (message: string, fields?: Fields): void => {
      lines.push({ level, message });
      entries.push({ level, message, fields });
    };
  return {
    clock: realClock,
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    fetch: globalThis.fetch,
    env: {},
    binding: () => undefined,
    ...overrides,
    lines,
    entries,
  };
}

/** Opens a component as its document would; the options are checked to be ones that the manifest lists. */
export async function openComponent<K extends Kind>(
  manifest: Manifest<K>,
  metadata: Readonly<Record<string, string>> = {},
  host: Host = testHost(),
): Promise<Kinds[K]> {
  const spec: ComponentSpec = {
    name: "test",
    namespace: "default",
    metadata: optionNames(manifest, metadata),
  };
  return manifest.open(spec, host);
}

/** Settings by the names that `open` gets; one that the manifest does not list is a mistake of the test. */
function optionNames(
  { type, options }: Pick<Manifest, "type" | "options">,
  metadata: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (!(name in options)) throw new Error(`${type} has no option ${name}`);
    out[name.toLowerCase()] = value;
  }
  return out;
}
