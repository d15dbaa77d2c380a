import type { AppBlock } from "#core/blocks/_shared/define-block.ts";

/** What the blocks run for one app: while it is ready to be called, and its target lets them. */
export interface AppBlocks {
  /** The app is ready to be called, or is not any more. */
  setReady(isReady: boolean): Promise<void>;
  /** They may run here, or may not. They may from the beginning. */
  setAllowed(isAllowed: boolean): Promise<void>;
  /** Other documents are in force. */
  follow(): Promise<void>;
}

/** Starts and stops take their turns: each resolves once its own is over. */
export function createAppBlocks(blocks: readonly AppBlock[]): AppBlocks {
  let isReady = false;
  let isAllowed = true;
  let isOn: boolean | undefined;
  let last = Promise.resolve();
  /** Changes that have not ended. */
  let open = 0;
  async function settle(): Promise<void> {
    const isWanted = isReady && isAllowed;
    if (isWanted === isOn) return;
    isOn = isWanted;
    if (isWanted) for (const block of blocks) await block.start();
    else await Promise.allSettled(blocks.map((block) => block.stop()));
  }
  // At once where nothing is under way: whoever ends an app tells its blocks before anything else.
  const settled = (): Promise<void> => {
    const settling = open++ === 0 ? settle() : last.then(settle);
    return (last = settling.finally(() => open--));
  };
  return {
    setReady: (now) => {
      isReady = now;
      return settled();
    },
    setAllowed: (now) => {
      isAllowed = now;
      return settled();
    },
    follow: async () => {
      await Promise.all(blocks.map((block) => block.follow?.()));
    },
  };
}
