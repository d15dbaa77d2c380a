/** The official SDK, for scripts that stand in a pod's own command. */
export {
  CommunicationProtocolEnum,
  DaprClient,
  DaprServer,
  HttpMethod,
  DaprPubSubStatusEnum,
  StateConcurrencyEnum,
  StateConsistencyEnum,
} from "@dapr/dapr";
