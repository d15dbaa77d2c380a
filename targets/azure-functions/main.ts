import { app } from "@azure/functions";
import { lineLog } from "#targets/_shared/console-log.ts";
import { createFunctionApp } from "./function-app.ts";

const functions = createFunctionApp(process.env, lineLog);

app.http("outrigger", {
  route: "{*path}",
  // The API has its own tokens, and apps know nothing of function keys.
  authLevel: "anonymous",
  methods: ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"],
  handler: (request) => functions.http(request),
});
for (const { functionName, binding, schedule } of functions.timers)
  app.timer(functionName, { schedule, handler: () => functions.timer(binding) });
