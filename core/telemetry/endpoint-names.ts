/** Dapr's names of HTTP endpoints, by operation; an operation that has none shows its own. */
const names: Readonly<Record<string, string>> = {
  "state.get": "GetState",
  "state.set": "SaveState",
  "state.delete": "DeleteState",
  "state.bulk_get": "GetBulkState",
  "state.transaction": "ExecuteStateTransaction",
  "state.query": "QueryStateAlpha1",
  "pubsub.publish": "PublishEvent",
  "pubsub.bulk_publish": "BulkPublishEvent",
  "binding.invoke": "InvokeBinding",
  "secret.get": "GetSecret",
  "secret.get_bulk": "GetBulkSecret",
  "configuration.get": "GetConfiguration",
  "configuration.subscribe": "SubscribeConfiguration",
  "configuration.unsubscribe": "UnsubscribeConfiguration",
  "lock.try": "TryLock",
  "lock.unlock": "Unlock",
  "conversation.converse": "Converse",
  "crypto.encrypt": "Encrypt",
  "crypto.decrypt": "Decrypt",
  "subtlecrypto.get_key": "SubtleGetKey",
  "subtlecrypto.encrypt": "SubtleEncrypt",
  "subtlecrypto.decrypt": "SubtleDecrypt",
  "subtlecrypto.wrap_key": "SubtleWrapKey",
  "subtlecrypto.unwrap_key": "SubtleUnwrapKey",
  "subtlecrypto.sign": "SubtleSign",
  "subtlecrypto.verify": "SubtleVerify",
  "metadata.get": "GetMetadata",
  "metadata.set": "PutMetadata",
  "health.get": "Healthz",
  "health.outbound": "HealthzOutbound",
  "shutdown.call": "Shutdown",
  "invoke.call": "InvokeService",
};

export function endpointName(operation: string): string {
  return names[operation] ?? operation;
}
