/**
 * A storage over any key-value store of Effect.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { Storage, type StorageKey } from "../../services/Storage.ts"

/**
 * One entry per record, its key `cached/<app>`, `manual/<app>` or `org/<slug>`.
 *
 * **Gotchas**
 *
 * A key-value store has no compare-and-set: the look at a record's fence and the write that follows are two steps, so
 * that of two writers at the same moment the older one may win. `KeyValueStore.layerFileSystem` writes in place, with
 * mode 0644 and without a sync: for files use `StorageFileSystem`.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer: Layer.Layer<Storage, never, KeyValueStore.KeyValueStore> = Layer.effect(
  Storage,
  Effect.map(KeyValueStore.KeyValueStore, (store) => {
    const place = (name: string, key: StorageKey) => `${key}/${name}`
    return Storage.make({
      why: () => "the key-value store failed",
      read: (name, key) => Effect.map(store.get(place(name, key)), Option.fromUndefinedOr),
      write: Effect.fnUntraced(function*(name, key, text, meta) {
        if (meta.fence !== undefined) {
          const present = yield* store.get(place(name, key))
          const now = yield* Clock.currentTimeMillis
          if (Storage.isOutdated(meta, present, now)) return yield* Storage.superseded()
        }
        yield* store.set(place(name, key), text)
      }),
      remove: (name, key) => store.remove(place(name, key)),
      setAside: Effect.fnUntraced(function*(name, key, text) {
        if ((yield* store.get(place(name, key))) !== text) return
        yield* store.set(`${place(name, key)}.corrupt`, text)
        yield* store.remove(place(name, key))
      }),
      names: (key) =>
        Effect.map(
          store.keys,
          (keys) => keys.filter((each) => each.startsWith(`${key}/`)).map((each) => each.slice(key.length + 1))
        )
    })
  })
)
