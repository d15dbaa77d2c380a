/** What `fetch` needs of a service binding. */
export interface ServiceBinding {
  fetch(url: string, init: RequestInit): Promise<Response>;
}
/** A Worker's env: texts and bindings by name. */
export type WorkerEnv = Readonly<Record<string, unknown>>;

export function serviceBinding(env: WorkerEnv, name: string): ServiceBinding | undefined {
  const value = env[name];
  const isService = typeof value === "object" && value !== null && "fetch" in value;
  return isService ? (value as ServiceBinding) : undefined;
}
