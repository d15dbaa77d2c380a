import { type Block, defineBlock } from "../_shared/define-block.ts";
import { configurationHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "configuration", http: [configurationHttp] });
