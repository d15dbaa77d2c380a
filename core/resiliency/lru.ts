/** The value of a key, made when it is missing; of more than `most` the one not asked for longest goes. */
export function createLru<K, V>(most: number): (key: K, make: (key: K) => V) => V {
  const values = new Map<K, V>();
  /** Asked for last: at its place already. */
  let newest: K | undefined;
  return (key, make) => {
    const found = values.get(key);
    if (found !== undefined) {
      if (key === newest) return found;
      values.delete(key);
    }
    const value = found ?? make(key);
    values.set(key, value);
    newest = key;
    if (values.size > most) values.delete(values.keys().next().value as K);
    return value;
  };
}
