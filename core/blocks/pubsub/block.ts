import { type Block, defineBlock } from "../_shared/define-block.ts";
import { pubsubHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "pubsub", http: [pubsubHttp] });
