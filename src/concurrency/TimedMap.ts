/**
 * A map whose entries leave by themselves: what bounds it is time, never a count, so nothing is forgotten too early.
 */

export interface TimedMap<A> {
  /** Puts an entry in, or keeps the one that is in for the whole time anew. */
  readonly set: (key: string, value: A, now: number) => void
  readonly get: (key: string, now: number) => A | undefined
  readonly has: (key: string, now: number) => boolean
  readonly delete: (key: string) => void
  /** How many are kept in memory, those included whose time is over and that were not swept out yet. */
  readonly size: () => number
}

/** So many are looked at with each that is put in: a sweep comes round before the map can double. */
const sweptAtOnce = 2

interface Timed<A> {
  readonly value: A
  until: number
}

/** An entry stays for `millis` milliseconds. A clock that is set back neither lifts that nor stretches it. */
export const make = <A>(millis: number): TimedMap<A> => {
  const entries = new Map<string, Timed<A>>()
  let sweep = entries.entries()

  const live = (key: string, timed: Timed<A>, now: number): boolean => {
    if (now >= timed.until) entries.delete(key)
    else timed.until = Math.min(timed.until, now + millis)
    return now < timed.until
  }

  /** Goes on where it stopped, so that each step costs the same however many there are. */
  const sweepSome = (now: number) => {
    for (let step = 0; step < sweptAtOnce; step++) {
      const next = sweep.next()
      if (next.done === true) {
        sweep = entries.entries()
        return
      }
      live(...next.value, now)
    }
  }

  const find = (key: string, now: number): Timed<A> | undefined => {
    const timed = entries.get(key)
    return timed !== undefined && live(key, timed, now) ? timed : undefined
  }

  return {
    set: (key, value, now) => {
      entries.set(key, { value, until: now + millis })
      sweepSome(now)
    },
    get: (key, now) => find(key, now)?.value,
    has: (key, now) => find(key, now) !== undefined,
    delete: (key) => {
      entries.delete(key)
    },
    size: () => entries.size
  }
}
