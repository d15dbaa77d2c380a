/** Runs work once for all who ask for the same key while it runs. */
export interface SingleFlight<T> {
  run(key: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when what runs now has ended, well or not. */
  settled(): Promise<void>;
}

export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>();
  return {
    run: (key, work) => {
      let flight = flights.get(key);
      if (!flight) {
        flight = work().finally(() => flights.delete(key));
        flights.set(key, flight);
      }
      return flight;
    },
    settled: async () => void (await Promise.allSettled(flights.values())),
  };
}
