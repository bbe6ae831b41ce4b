/** A record's own value: names come from people, and `constructor` is a name that every object seems to have. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
