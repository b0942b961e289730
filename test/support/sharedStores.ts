/**
 * The stores that several processes share, each with its lease.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { FlyTokens, Storage } from "../../src/index.ts"
import { FlyTokensNode } from "../../src/node.ts"

export type Kind = "files" | "redis" | "postgres"

export interface SharedStore {
  readonly kind: Kind
  /** Where the service is; nothing for files. */
  readonly url: string
  /** A name of its own for what is stored: a prefix, a table. */
  readonly name: string
  readonly leaseTtl: number
  readonly connections?: number
}

/** A client is read only where it is wanted: it takes as long to read as the rest of a program. */
const imported = <A, E>(layer: () => Promise<Layer.Layer<A, E>>): Layer.Layer<A, E> =>
  Layer.unwrap(Effect.promise(layer))

const redis = ({ leaseTtl: ttl, name, url }: SharedStore) =>
  imported(async () => {
    const NodeRedis = await import("@effect/platform-node/NodeRedis")
    const { LeaseRedis, RedisConnection, StorageRedis } = await import("../../src/redis.ts")
    const prefix = `${name}:`
    return Layer.merge(StorageRedis.layer({ prefix }), LeaseRedis.layer({ prefix, ttl })).pipe(
      Layer.provide(RedisConnection.layer(NodeRedis.layer({ url, disableOfflineQueue: true })))
    )
  })

const postgres = ({ connections = 2, leaseTtl: ttl, name: table, url }: SharedStore) =>
  imported(async () => {
    const PgClient = await import("@effect/sql-pg/PgClient")
    const { LeaseSql, StorageSql } = await import("../../src/sql.ts")
    return Layer.merge(StorageSql.layer({ table }), LeaseSql.layer({ table, ttl })).pipe(
      Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: connections }))
    )
  })

/** The store with its lease. */
export const storage = (
  store: SharedStore,
  environment: Readonly<Record<string, string | undefined>>
): Layer.Layer<Storage, unknown> => {
  switch (store.kind) {
    case "files":
      return FlyTokensNode.layerFiles({ environment, leaseTtl: store.leaseTtl })
    case "redis":
      return redis(store)
    case "postgres":
      return postgres(store)
  }
}

export const tokens = (
  store: SharedStore,
  options: FlyTokensNode.FlyTokensNodeOptions & { readonly environment: Readonly<Record<string, string | undefined>> }
): Layer.Layer<FlyTokens, unknown> =>
  Layer.provide(FlyTokensNode.layerNoStorage(options), storage(store, options.environment))
