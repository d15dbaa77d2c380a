/** What the sidecars of the recordings of actors were started with, but for the store: that was Redis. */
export const actorResources: string = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: statestore }
spec:
  type: state.in-memory
  version: v1
  metadata: [{ name: actorStateStore, value: "true" }]
---
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: { name: features }
spec: { features: [{ name: ActorStateTTL, enabled: true }] }
`;
