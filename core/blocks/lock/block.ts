import { type Block, defineBlock } from "../_shared/define-block.ts";
import { lockHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "lock", http: [lockHttp] });
