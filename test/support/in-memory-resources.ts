import { cryptoResources } from "./crypto-resources.ts";

/** The components that the API suite needs, where no platform brings its own. */
export const inMemoryResources = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: statestore }
spec: { type: state.in-memory, version: v1 }
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: pubsub }
spec: { type: pubsub.in-memory, version: v1 }
---${cryptoResources}`;
