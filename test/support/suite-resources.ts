/** The Configuration of the app that the API suite calls: one of its secrets is kept from it. */
export const suiteConfiguration = `
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: { name: suite }
spec:
  secrets:
    scopes: [{ storeName: secrets, deniedSecrets: [DENIED] }]
`;

/** Variables behind the secrets of the store "secrets", and the token that goes with every call to the app. */
export const suiteSettings: Readonly<Record<string, string>> = {
  SUITE_SECRET_API_KEY: "s3cret",
  SUITE_SECRET_GREETING: "Grüße",
  SUITE_SECRET_DENIED: "hidden",
  APP_API_TOKEN: "token-of-the-app",
};

const component = (name: string, type: string, metadata: Readonly<Record<string, string>> = {}) => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: ${name} }
spec:
  type: ${type}
  version: v1
  metadata: ${JSON.stringify(Object.entries(metadata).map(([name, value]) => ({ name, value })))}
`;
const endpoint = (name: string, baseUrl: string): string => `
apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata: { name: ${name} }
spec: { baseUrl: "${baseUrl}" }
`;

/**
 * What the API suite needs in every cell, in addition to the stores. Bindings and endpoints lead to the app, at `appUrl`; each
 * has policies of its own, so that no case meets those of another.
 */
export const suiteResources = (appUrl: string): string =>
  [
    component("echo", "conversation.echo"),
    component("secrets", "secretstores.local.env", { prefix: "SUITE_SECRET_" }),
    component("alarm", "bindings.cron", { schedule: "@every 1s" }),
    component("web", "bindings.http", { url: appUrl }),
    component("persistent", "bindings.http", { url: appUrl }),
    component("impatient", "bindings.http", { url: appUrl }),
    component("fragile", "bindings.http", { url: appUrl }),
    endpoint("downstream", appUrl),
    endpoint("fragile-downstream", appUrl),
    `
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: { name: suite }
spec:
  policies:
    retries:
      twice: { policy: constant, duration: 10ms, maxRetries: 2 }
      serverFaults:
        { policy: constant, duration: 10ms, maxRetries: 2, matching: { httpStatusCodes: "500-599" } }
    timeouts:
      short: 100ms
    circuitBreakers:
      secondFailure: { timeout: 1h, trip: consecutiveFailures >= 2 }
  targets:
    apps:
      downstream: { retry: serverFaults }
      fragile-downstream: { circuitBreaker: secondFailure }
    components:
      persistent: { outbound: { retry: twice } }
      impatient: { outbound: { timeout: short } }
      fragile: { outbound: { circuitBreaker: secondFailure } }
      pubsub: { inbound: { retry: twice } }
`,
  ].join("---");

/** Components that need a server, which a Worker has no way to. */
export const redisResources = (redisHost: string): string =>
  [
    component("locks", "lock.redis", { redisHost }),
    component("settings", "configuration.redis", { redisHost }),
  ].join("---");
