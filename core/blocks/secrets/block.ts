import { type Block, defineBlock } from "../_shared/define-block.ts";
import { secretsHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "secrets", http: [secretsHttp] });
