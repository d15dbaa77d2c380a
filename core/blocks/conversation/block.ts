import { type Block, defineBlock } from "../_shared/define-block.ts";
import { conversationHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "conversation", http: [conversationHttp] });
