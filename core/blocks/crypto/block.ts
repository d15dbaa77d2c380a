import { type Block, defineBlock } from "../_shared/define-block.ts";
import { cryptoHttp } from "./http.ts";
import { subtleCryptoHttp } from "./subtle-http.ts";

export const block: Block = defineBlock({ name: "crypto", http: [cryptoHttp, subtleCryptoHttp] });
