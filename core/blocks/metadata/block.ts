import { type Block, defineBlock } from "../_shared/define-block.ts";
import { metadataHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "metadata", http: [metadataHttp] });
