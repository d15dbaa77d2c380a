/** Which secrets of one store an app may read (Configuration `spec.secrets.scopes`). */
export interface SecretScope {
  readonly defaultAccess: "allow" | "deny";
  readonly allowedSecrets: readonly string[];
  readonly deniedSecrets: readonly string[];
}

/** A list of allowed names shuts out all others; else a denied name is refused; else the default counts. */
export function isSecretAllowed(scope: SecretScope | undefined, name: string): boolean {
  if (!scope) return true;
  if (scope.allowedSecrets.length > 0) return scope.allowedSecrets.includes(name);
  if (scope.deniedSecrets.includes(name)) return false;
  return scope.defaultAccess === "allow";
}
