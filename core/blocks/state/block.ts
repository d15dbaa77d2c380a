import { type Block, defineBlock } from "../_shared/define-block.ts";
import { stateHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "state", http: [stateHttp] });
