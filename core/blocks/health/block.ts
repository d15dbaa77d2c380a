import { type Block, defineBlock } from "../_shared/define-block.ts";
import { healthHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "health", http: [healthHttp] });
