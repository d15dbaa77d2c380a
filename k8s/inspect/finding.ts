/** What one check found. `unknown`: it could not be made, for want of rights. */
export interface Finding {
  /** Which check, for programs: `daemonset`, `injector.certificate`... */
  readonly check: string;
  readonly level: "ok" | "note" | "unknown" | "problem";
  readonly message: string;
  /** What to do about a problem. */
  readonly todo?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, level: "ok", message };
}
export function note(check: string, message: string): Finding {
  return { check, level: "note", message };
}
export function problem(check: string, message: string, todo: string): Finding {
  return { check, level: "problem", message, todo };
}
export function unknown(check: string, why: string): Finding {
  return { check, level: "unknown", message: `not checked: ${why}` };
}

/** The first few, and how many more there are: a cluster may have thousands of the same. */
export function some(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
/** `1 pod`, `2 pods`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
