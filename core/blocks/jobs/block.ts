import { type Block, defineBlock } from "../_shared/define-block.ts";
import { jobsHttp } from "./http.ts";

export const block: Block = defineBlock({ name: "jobs", http: [jobsHttp] });
