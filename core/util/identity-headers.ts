/** Who calls, and who is called: said by the runtime, and by nobody else. */
export const callerAppId = "dapr-caller-app-id";
export const callerNamespace = "dapr-caller-namespace";
export const calleeAppId = "dapr-callee-app-id";
