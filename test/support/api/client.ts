import { type BindingsApi, bindingsOverGrpc, bindingsOverHttp } from "./bindings.ts";
import {
  type ConfigurationApi,
  configurationOverGrpc,
  configurationOverHttp,
} from "./configuration.ts";
import {
  type ConversationApi,
  conversationOverGrpc,
  conversationOverHttp,
} from "./conversation.ts";
import { type CryptoApi, cryptoOverGrpc, cryptoOverHttp } from "./crypto.ts";
import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";
import { type InvokeApi, invokeOverGrpc, invokeOverHttp } from "./invoke.ts";
import { type LockApi, lockOverGrpc, lockOverHttp } from "./lock.ts";
import { type MetadataApi, metadataOverGrpc, metadataOverHttp } from "./metadata.ts";
import { type PubsubApi, pubsubOverGrpc, pubsubOverHttp } from "./pubsub.ts";
import { type SecretsApi, secretsOverGrpc, secretsOverHttp } from "./secrets.ts";
import { type StateApi, stateOverGrpc, stateOverHttp } from "./state.ts";
import type { SeenRequest } from "../recording-app.ts";

/** Dapr's API as an app uses it, whichever wire carries it. What it refuses rejects with a `Refusal`. */
export type ApiClient = BindingsApi &
  ConfigurationApi &
  ConversationApi &
  CryptoApi &
  InvokeApi &
  LockApi &
  MetadataApi &
  PubsubApi &
  SecretsApi &
  StateApi;

/** `appSaw`: what the app got on a path, for over HTTP some answers go to the app. */
export function apiOverHttp(
  http: HttpWire,
  appSaw: (path: string) => Promise<readonly SeenRequest[]>,
): ApiClient {
  return {
    ...bindingsOverHttp(http),
    ...configurationOverHttp(http, appSaw),
    ...conversationOverHttp(http),
    ...cryptoOverHttp(http),
    ...invokeOverHttp(http),
    ...lockOverHttp(http),
    ...metadataOverHttp(http),
    ...pubsubOverHttp(http),
    ...secretsOverHttp(http),
    ...stateOverHttp(http),
  };
}

export function apiOverGrpc(grpc: GrpcWire): ApiClient {
  return {
    ...bindingsOverGrpc(grpc),
    ...configurationOverGrpc(grpc),
    ...conversationOverGrpc(grpc),
    ...cryptoOverGrpc(grpc),
    ...invokeOverGrpc(grpc),
    ...lockOverGrpc(grpc),
    ...metadataOverGrpc(grpc),
    ...pubsubOverGrpc(grpc),
    ...secretsOverGrpc(grpc),
    ...stateOverGrpc(grpc),
  };
}
