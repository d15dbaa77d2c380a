type Env = Readonly<Record<string, string | undefined>>;

/**
 * What the documents of a namespace may see of the runtime's environment, which is not theirs: variables that
 * `DAPR_ENV_KEYS` names, as at Dapr's sidecar, and of the others none.
 */
export function documentEnv(env: Env): Env {
  const listed = (env["DAPR_ENV_KEYS"] ?? "").split(" ").filter((name) => name !== "");
  const names = ["DAPR_ENV_KEYS", "POD_NAME", ...listed];
  return Object.fromEntries(names.flatMap((name) => (name in env ? [[name, env[name]]] : [])));
}
