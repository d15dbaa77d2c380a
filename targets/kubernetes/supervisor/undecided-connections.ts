/** Counts the connections of one port whose group is not known yet. */
export interface UndecidedConnections {
  hasRoom(address: string): boolean;
  count(address: string, by: 1 | -1): void;
}

const most = 1000;
/** Of one address, so that nobody fills the place of others. */
const mostOfOne = 100;

export function createUndecidedConnections(): UndecidedConnections {
  const byAddress = new Map<string, number>();
  let all = 0;
  return {
    hasRoom: (address) => all < most && (byAddress.get(address) ?? 0) < mostOfOne,
    count: (address, by) => {
      const left = (byAddress.get(address) ?? 0) + by;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
      all += by;
    },
  };
}
