import { type Api, type ApiLists, isAllowed } from "./rules.ts";

/** Rpcs of `dapr.proto.runtime.v1.Dapr` by the API they belong to, as `name.version`. */
const rpcs: Readonly<Record<string, string>> = {
  "invoke.v1": "InvokeService",
  "state.v1": "GetState GetBulkState SaveState DeleteState DeleteBulkState ExecuteStateTransaction",
  "state.v1alpha1": "QueryStateAlpha1",
  "publish.v1": "PublishEvent BulkPublishEvent",
  "publish.v1alpha1": "BulkPublishEventAlpha1",
  "bindings.v1": "InvokeBinding",
  "secrets.v1": "GetSecret GetBulkSecret",
  "actors.v1":
    "RegisterActorTimer UnregisterActorTimer RegisterActorReminder GetActorReminder UnregisterActorReminder UnregisterActorRemindersByType ListActorReminders GetActorState ExecuteActorStateTransaction InvokeActor",
  "actors.v1alpha1": "SubscribeActorEventsAlpha1",
  "metadata.v1": "GetMetadata SetMetadata",
  "configuration.v1": "GetConfiguration SubscribeConfiguration UnsubscribeConfiguration",
  "configuration.v1alpha1":
    "GetConfigurationAlpha1 SubscribeConfigurationAlpha1 UnsubscribeConfigurationAlpha1",
  "lock.v1alpha1": "TryLockAlpha1",
  "unlock.v1alpha1": "UnlockAlpha1",
  "crypto.v1alpha1": "EncryptAlpha1 DecryptAlpha1",
  "subtlecrypto.v1alpha1":
    "SubtleGetKeyAlpha1 SubtleEncryptAlpha1 SubtleDecryptAlpha1 SubtleSignAlpha1 SubtleVerifyAlpha1 SubtleWrapKeyAlpha1 SubtleUnwrapKeyAlpha1",
  "workflows.v1alpha1":
    "StartWorkflowAlpha1 GetWorkflowAlpha1 TerminateWorkflowAlpha1 RaiseEventWorkflowAlpha1 PurgeWorkflowAlpha1 PauseWorkflowAlpha1 ResumeWorkflowAlpha1",
  "workflows.v1beta1":
    "StartWorkflowBeta1 GetWorkflowBeta1 TerminateWorkflowBeta1 RaiseEventWorkflowBeta1 PurgeWorkflowBeta1 PauseWorkflowBeta1 ResumeWorkflowBeta1",
  "jobs.v1": "ScheduleJob DeleteJob GetJob DeleteJobsByPrefix ListJobs",
  "jobs.v1alpha1":
    "ScheduleJobAlpha1 DeleteJobAlpha1 GetJobAlpha1 DeleteJobsByPrefixAlpha1 ListJobsAlpha1",
  "shutdown.v1": "Shutdown",
  "subscribe.v1alpha1": "SubscribeTopicEventsAlpha1",
  "conversation.v1alpha1": "ConverseAlpha1",
  "conversation.v1alpha2": "ConverseAlpha2",
};

const judged = "/dapr.proto.runtime.";
const apis: ReadonlyMap<string, Api> = new Map(
  Object.entries(rpcs).flatMap(([key, names]) => {
    const [name = "", version = ""] = key.split(".");
    const api: Api = { protocol: "grpc", name, version };
    return names.split(" ").map((rpc) => [`${judged}v1.Dapr/${rpc}`, api] as const);
  }),
);
/** An rpc that no list can name: only a list of what is allowed keeps it out. */
const unnamed: Api = { protocol: "grpc", name: "", version: "" };

/** True when the lists let a call through; `path` is the full method. Other services than Dapr's are never judged. */
export function isRpcAllowed(lists: ApiLists, path: string): boolean {
  return !path.startsWith(judged) || isAllowed(lists, apis.get(path) ?? unnamed);
}
