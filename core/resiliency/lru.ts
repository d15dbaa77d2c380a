/** The value of a key, made when it is missing; of more than `most` the one not asked for longest goes. */
export function createLru<K, V>(most: number): (key: K, make: (key: K) => V) => V {
  const values = new Map<K, V>();
  return (key, make) => {
    const found = values.get(key);
    if (found !== undefined) {
      values.delete(key);
      values.set(key, found);
      return found;
    }
    const made = make(key);
    values.set(key, made);
    if (values.size > most) values.delete(values.keys().next().value as K);
    return made;
  };
}
