/** Runs work one after the other, in the order in which it comes; what fails does not stop the rest. */
export function createSerialQueue(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  };
}
