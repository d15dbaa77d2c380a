import { type Block, defineBlock } from "../_shared/define-block.ts";
import { actorsHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "actors", http: [actorsHttp] });
