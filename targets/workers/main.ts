import { createWorker, type Worker } from "./worker.ts";

export { StateObject } from "#components/cloudflare-durable-state/state-object.ts";

const worker: Worker = createWorker();
// The platform asks for a default export.
export default worker;
