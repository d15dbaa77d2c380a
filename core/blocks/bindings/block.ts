import { type Block, defineBlock } from "../_shared/define-block.ts";
import { bindingsHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "bindings", http: [bindingsHttp] });
