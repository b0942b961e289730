import { type Client, keyed, type Subject } from "./Client.ts"
import * as Source from "./Source.ts"

interface Entry {
  readonly promise: Promise<Source.Token>
  expiresAt: number
}

/** What people write by themselves: promises in a map, dropped when they fail. */
export const handWritten: Subject = {
  name: "Map<key, Promise>",
  open: async (source): Promise<Client> => {
    const cache = new Map<string, Entry>()
    const get = (key: string): Promise<Source.Token> => {
      const found = cache.get(key)
      if (found !== undefined && Date.now() < found.expiresAt) return found.promise
      const entry: Entry = { promise: Source.call(source), expiresAt: Number.POSITIVE_INFINITY }
      cache.set(key, entry)
      entry.promise.then(
        ({ expiresAt }) => void (entry.expiresAt = expiresAt),
        () => void cache.delete(key)
      )
      return entry.promise
    }
    return {
      ...keyed(get),
      tokenOf: (answer) => (answer as Source.Token).value,
      replace: (key) => {
        cache.delete(key)
        return get(key)
      }
    }
  }
}
