import { type Block, defineBlock } from "../_shared/define-block.ts";
import { workflowHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "workflow", http: [workflowHttp] });
