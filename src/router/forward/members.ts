/** One of many, who keeps its index among them. */
export type Member = { place: number }

export type Members<T extends Member> = Iterable<T> & {
  size(): number
  add(member: T): void
  delete(member: T): void
}

/**
 * What a Set does, for members that come and go all the time. A Set then moves from table to table, and each table
 * refers to the next. Once one of them has got into the old generation, the collector of the young one takes all later
 * ones for alive until the next full collection, and with them connections that are long closed.
 *
 * Iterating goes over those who are members when it begins.
 */
export function createMembers<T extends Member>(): Members<T> {
  const all: T[] = []
  return {
    size: () => all.length,
    add(member) {
      member.place = all.push(member) - 1
    },
    delete(member) {
      if (all[member.place] !== member) return
      const last = all.pop()!
      if (last === member) return
      all[member.place] = last
      last.place = member.place
    },
    [Symbol.iterator]: () => all.slice().values(),
  }
}
