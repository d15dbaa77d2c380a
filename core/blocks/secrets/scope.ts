import type { SecretScope } from "#core/resources/secret-scope.ts";

/** A list of allowed names shuts out all others; else a denied name is refused; else the default counts. */
export function isSecretAllowed(scope: SecretScope | undefined, name: string): boolean {
  if (!scope) return true;
  if (scope.allowedSecrets.length > 0) return scope.allowedSecrets.includes(name);
  if (scope.deniedSecrets.includes(name)) return false;
  return scope.defaultAccess === "allow";
}
