import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface CollectOptions {
  readonly type: "minor" | "major";
  /** `last-resort` also lets go of code that is not running. */
  readonly flavor?: "regular" | "last-resort";
}
type Collect = (options: CollectOptions) => void;
let collect: Collect | undefined;

/** Collects garbage, at once. V8 offers that to new contexts only, once it has been told to. */
export function collectGarbage(options: CollectOptions): void {
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as Collect;
  }
  collect(options);
}
