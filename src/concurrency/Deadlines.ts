/** What is due when: a binary heap, with the place of each key, so that one can be moved or taken out at once. */

export interface Deadlines<K> {
  /** Sets the deadline of a key, in place of the one before. */
  readonly set: (key: K, at: number) => void
  readonly delete: (key: K) => void
  /** The key that is due first. */
  readonly first: () => { readonly key: K; readonly at: number } | undefined
  /** Makes all that there is due at once. */
  readonly makeAllDue: () => void
  readonly size: () => number
}

interface Item<K> {
  readonly key: K
  at: number
  place: number
}

export const make = <K>(): Deadlines<K> => {
  const items: Array<Item<K>> = []
  const byKey = new Map<K, Item<K>>()

  const put = (item: Item<K>, place: number): void => {
    items[place] = item
    item.place = place
  }

  /** Moves those that are due later one floor down, until there is room for this one. */
  const rise = (item: Item<K>): void => {
    let { place } = item
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = items[above]
      if (other === undefined || other.at <= item.at) break
      put(other, place)
      place = above
    }
    put(item, place)
  }

  const sink = (item: Item<K>): void => {
    let { place } = item
    for (;;) {
      let below = 2 * place + 1
      let other = items[below]
      if (other === undefined) break
      const right = items[below + 1]
      if (right !== undefined && right.at < other.at) {
        other = right
        below++
      }
      if (item.at <= other.at) break
      put(other, place)
      place = below
    }
    put(item, place)
  }

  const settle = (item: Item<K>): void => {
    rise(item)
    sink(item)
  }

  return {
    set: (key, at) => {
      let item = byKey.get(key)
      if (item === undefined) byKey.set(key, item = { key, at, place: items.length })
      item.at = at
      settle(item)
    },
    delete: (key) => {
      const item = byKey.get(key)
      if (item === undefined) return
      byKey.delete(key)
      const last = items.pop()
      if (last === undefined || last === item) return
      last.place = item.place
      settle(last)
    },
    first: () => items[0],
    makeAllDue: () => {
      for (const item of items) item.at = Number.NEGATIVE_INFINITY
    },
    size: () => byKey.size
  }
}
