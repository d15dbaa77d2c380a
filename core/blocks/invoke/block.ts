import { type Block, defineBlock } from "../_shared/define-block.ts";
import { invokeHttp } from "./http.ts";
import { invocation } from "./operations.ts";

export const block: Block = defineBlock({
  name: "invoke",
  http: [(routes, services) => invokeHttp(routes, services.part(invocation))],
});
