/**
 * A set whose members leave by themselves: what bounds it is time, never a count, so nothing is forgotten too early.
 *
 * @since 0.1.0
 */

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TimedSet {
  /** Puts a member in, or keeps the one that is in for the whole time anew. */
  readonly add: (member: string, now: number) => void
  readonly has: (member: string, now: number) => boolean
  readonly delete: (member: string) => void
  /** The members that are in still. */
  readonly members: (now: number) => ReadonlyArray<string>
  /** How many are kept in memory, those included whose time is over and that were not swept out yet. */
  readonly size: () => number
}

/** So many are looked at with each that is added: a sweep comes round before the set can double. */
const sweptAtOnce = 2

/**
 * A member stays for `millis` milliseconds. A clock that is set back neither lifts that nor stretches it.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (millis: number): TimedSet => {
  const until = new Map<string, number>()
  let sweep = until.entries()

  const isIn = (member: string, end: number, now: number): boolean => {
    if (now >= end) {
      until.delete(member)
      return false
    }
    if (end - now > millis) until.set(member, now + millis)
    return true
  }

  /** Goes on where it stopped, so that each step costs the same however many there are. */
  const sweepSome = (now: number) => {
    for (let step = 0; step < sweptAtOnce; step++) {
      const next = sweep.next()
      if (next.done === true) {
        sweep = until.entries()
        return
      }
      isIn(next.value[0], next.value[1], now)
    }
  }

  return {
    add: (member, now) => {
      until.set(member, now + millis)
      sweepSome(now)
    },
    has: (member, now) => {
      const end = until.get(member)
      return end !== undefined && isIn(member, end, now)
    },
    delete: (member) => {
      until.delete(member)
    },
    members: (now) => [...until].filter(([member, end]) => isIn(member, end, now)).map(([member]) => member),
    size: () => until.size
  }
}
