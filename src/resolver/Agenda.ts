/** What is due when: a binary heap whose items know their place, so that one can be moved or taken out at once. */

/** What can stand in an agenda. Both numbers are the agenda's. */
export interface Item {
  /** When it is due, epoch milliseconds. */
  dueAt: number
  /** Where it stands, from 0 on; -1 if it does not. */
  place: number
}

export interface Agenda<A extends Item> {
  /** Puts an item in, or moves the one that is in. */
  readonly set: (item: A, dueAt: number) => void
  readonly remove: (item: A) => void
  /** The item that is due first. */
  readonly first: () => A | undefined
  /** Makes all that is in it due at once. */
  readonly hasten: () => void
}

export const make = <A extends Item>(): Agenda<A> => {
  const items: Array<A> = []

  const put = (item: A, place: number): void => {
    items[place] = item
    item.place = place
  }

  /** Moves the items that are due later one floor down, until there is room for this one. */
  const rise = (item: A, from: number): void => {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = items[above]
      if (other === undefined || other.dueAt <= item.dueAt) break
      put(other, place)
      place = above
    }
    put(item, place)
  }

  const sink = (item: A, from: number): void => {
    let place = from
    for (;;) {
      let below = 2 * place + 1
      let other = items[below]
      if (other === undefined) break
      const right = items[below + 1]
      if (right !== undefined && right.dueAt < other.dueAt) {
        other = right
        below++
      }
      if (item.dueAt <= other.dueAt) break
      put(other, place)
      place = below
    }
    put(item, place)
  }

  const settle = (item: A, place: number): void => {
    rise(item, place)
    sink(item, item.place)
  }

  return {
    set: (item, dueAt) => {
      item.dueAt = dueAt
      settle(item, item.place === -1 ? items.length : item.place)
    },
    remove: (item) => {
      const { place } = item
      if (place === -1) return
      item.place = -1
      const last = items.pop()
      if (last !== undefined && last !== item) settle(last, place)
    },
    first: () => items[0],
    hasten: () => {
      for (const item of items) item.dueAt = Number.NEGATIVE_INFINITY
    }
  }
}
