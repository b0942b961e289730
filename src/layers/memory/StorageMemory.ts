/**
 * A storage that lives as long as its layer.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Storage } from "../../services/Storage.ts"

/**
 * Keeps records in memory: for tests, and for programs that may mint anew at each start. Manual tokens are gone with the
 * process. Each build of the layer is a store of its own.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer: Layer.Layer<Storage> = Layer.sync(Storage, () => {
  const texts = new Map<string, string>()
  const place = (name: string, key: string) => `${key}/${name}`
  return Storage.make({
    read: (name, key) => Effect.sync(() => Option.fromUndefinedOr(texts.get(place(name, key)))),
    readMany: (names, key) =>
      Effect.sync(() =>
        new Map(names.flatMap((name) => {
          const text = texts.get(place(name, key))
          return text === undefined ? [] : [[name, text]]
        }))
      ),
    write: (name, key, text, meta) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (Storage.isOutdated(meta, texts.get(place(name, key)), now)) return Effect.fail(Storage.superseded())
        texts.set(place(name, key), text)
        return Effect.void
      }),
    remove: (name, key) => Effect.sync(() => void texts.delete(place(name, key))),
    setAside: (name, key, text) =>
      Effect.sync(() => {
        if (texts.get(place(name, key)) === text) texts.delete(place(name, key))
      }),
    names: (key) =>
      Effect.sync(() =>
        [...texts.keys()].filter((name) => name.startsWith(`${key}/`)).map((name) => name.slice(key.length + 1))
      )
  })
})
