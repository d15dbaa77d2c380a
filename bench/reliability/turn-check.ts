/** Finds turns of one actor that overlap, on any host. */
export interface TurnCheck {
  /** Overlaps in which both apps had a runtime that was alive and running. */
  readonly overlaps: number;
  /** Overlaps with the app of a runtime that stood still; the store has to refuse what that app writes. */
  readonly excused: number;
  /** What the first ones were. */
  readonly examples: readonly string[];
  readonly turns: number;
  /** Returns what ends the turn. */
  begin(id: string, host: HostMark): () => void;
}
/** One run of an app. */
export interface HostMark {
  readonly name: string;
  isDead: boolean;
  /** Its runtime stands still, or has for a while. */
  wasPaused: boolean;
}

const mostExamples = 5;

export function createTurnCheck(): TurnCheck {
  const running = new Map<string, Set<{ readonly host: HostMark }>>();
  const examples: string[] = [];
  let [overlaps, excused, turns] = [0, 0, 0];
  return {
    get overlaps() {
      return overlaps;
    },
    get excused() {
      return excused;
    },
    get turns() {
      return turns;
    },
    examples,
    begin: (id, host) => {
      turns++;
      const present = running.get(id) ?? new Set();
      running.set(id, present);
      const others = [...present].map((turn) => turn.host).filter(({ isDead }) => !isDead);
      if (others.some(({ wasPaused }) => wasPaused || host.wasPaused)) excused++;
      else if (others.length > 0) {
        overlaps++;
        const names = others.map(({ name }) => name).join(", ");
        if (examples.length < mostExamples)
          examples.push(`a turn of ${id} began on ${host.name} during one on ${names}`);
      }
      const turn = { host };
      present.add(turn);
      return () => {
        present.delete(turn);
        if (present.size === 0 && running.get(id) === present) running.delete(id);
      };
    },
  };
}
