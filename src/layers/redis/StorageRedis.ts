/**
 * A storage in Redis.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redis from "effect/persistence/Redis"
import * as Fence from "../../services/Fence.ts"
import { type RecordMeta, Storage, type StorageKey } from "../../services/Storage.ts"
import { whyOf } from "./RedisFailure.ts"

/**
 * The options of {@link layer}.
 *
 * @category models
 */
export interface StorageRedisOptions {
  /** Before each key. Default `fly-tokens:`. */
  readonly prefix?: string | undefined
}

/** Writes unless the record that is there makes it outdated: `Fence.isOutdated`, in one step. */
const putScript = Redis.script(
  (key: string, text: string, meta: RecordMeta, now: number, lifeMillis: number | undefined) => [
    key,
    text,
    meta.fence ?? "",
    now,
    now + Fence.clockTolerance,
    lifeMillis ?? ""
  ],
  {
    numberOfKeys: 1,
    lua: `
local fence = tonumber(ARGV[2])
local present = fence and redis.call('GET', KEYS[1])
if present then
  local decoded, record = pcall(cjson.decode, present)
  if decoded and type(record) == 'table'
    and type(record.fence) == 'number' and fence < record.fence
    and (type(record.expiresAt) ~= 'number' or tonumber(ARGV[3]) < record.expiresAt)
    and type(record.savedAt) == 'number' and record.savedAt <= tonumber(ARGV[4])
  then
    return 0
  end
end
if ARGV[5] == '' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[5])
end
return 1
`
  }
).withReturnType<number>()

/** Moves a text away if it is still there; for a week, for whoever wants to look at it. */
const setAsideScript = Redis.script(
  (key: string, aside: string, text: string) => [key, aside, text],
  {
    numberOfKeys: 2,
    lua: `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[2], ARGV[1], 'EX', 604800)
  redis.call('DEL', KEYS[1])
end
return 0
`
  }
).withReturnType<number>()

const literally = (text: string): string => text.replace(/[*?[\]\\^-]/g, "\\$&")

const make = (redis: Redis.Redis["Service"], prefix: string) => {
  // In braces, so that what belongs to one record is in one slot of a cluster.
  const before = (key: StorageKey) => `${prefix}{${key}/`
  const after = "}"
  const place = (name: string, key: StorageKey) => `${before(key)}${name}${after}`

  const get = (name: string, key: StorageKey) => redis.send<string | null>("GET", place(name, key))

  /** In a cluster that is refused, because the records are in many slots: so many at once then, over one connection. */
  const getMany = (names: ReadonlyArray<string>, key: StorageKey) =>
    Effect.catch(
      redis.send<ReadonlyArray<string | null>>("MGET", ...names.map((name) => place(name, key))),
      () => Effect.forEach(names, (name) => get(name, key), { concurrency: "unbounded" })
    )

  return Storage.make({
    why: whyOf,
    read: (name, key) => Effect.map(get(name, key), Option.fromNullOr),
    readMany: (names, key) =>
      Effect.map(getMany(names, key), (texts) =>
        new Map(names.flatMap((name, n) => {
          const text = texts[n] ?? null
          return text === null ? [] : [[name, text]]
        }))),
    write: Effect.fnUntraced(function*(name, key, text, meta) {
      const now = yield* Clock.currentTimeMillis
      // A manual token stays until a person removes it: that it has expired is to be said.
      const life = meta.expiresAt === null || key === "manual"
        ? undefined
        : Math.max(1, Math.ceil(meta.expiresAt - now))
      const written = yield* redis.eval(putScript)(place(name, key), text, meta, now, life)
      if (written === 0) return yield* Storage.superseded()
    }),
    remove: (name, key) => redis.send("DEL", place(name, key)),
    setAside: (name, key, text) =>
      Effect.asVoid(redis.eval(setAsideScript)(place(name, key), `${place(name, key)}:corrupt`, text)),
    names: Effect.fnUntraced(function*(key) {
      const start = before(key)
      const pattern = `${literally(start)}*${after}`
      const found = new Set<string>()
      let cursor = "0"
      do {
        const scan = redis.send<[string, ReadonlyArray<string>]>("SCAN", cursor, "MATCH", pattern, "COUNT", "1000")
        const [next, keys] = yield* scan
        for (const each of keys) found.add(each.slice(start.length, -after.length))
        cursor = String(next)
      } while (cursor !== "0")
      return [...found]
    })
  })
}

/**
 * One string per record, `fly-tokens:{cached/<app>}` and so on. Records of `cached` and `org` expire with their token.
 *
 * **Gotchas**
 *
 * While the connection is down node-redis keeps commands and sends them later: give it `disableOfflineQueue: true`, or
 * each access takes the whole `storageTimeout`. What Redis has not written to its disk is lost when it dies: for manual
 * tokens switch `appendonly` on. `list` asks the node that it is connected to, in a cluster not the others.
 *
 * @category layers
 */
export const layer = (options: StorageRedisOptions = {}): Layer.Layer<Storage, never, Redis.Redis> =>
  Layer.effect(Storage, Effect.map(Redis.Redis, (redis) => make(redis, options.prefix ?? "fly-tokens:")))
