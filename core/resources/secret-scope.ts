/** Which secrets of one store an app may read (Configuration `spec.secrets.scopes`). */
export interface SecretScope {
  readonly defaultAccess: "allow" | "deny";
  readonly allowedSecrets: readonly string[];
  readonly deniedSecrets: readonly string[];
}
