import type { FuzzTarget } from "./target.ts";
import { documentTargets } from "./targets/documents.ts";
import { headTargets } from "./targets/heads.ts";
import { helloTargets } from "./targets/hellos.ts";
import { jobTargets } from "./targets/jobs.ts";
import { textTargets } from "./targets/texts.ts";
import { wireTargets } from "./targets/wire.ts";

export const targets: readonly FuzzTarget[] = [
  ...documentTargets,
  ...textTargets,
  ...wireTargets,
  ...helloTargets,
  ...headTargets,
  ...jobTargets,
];
