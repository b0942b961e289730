/**
 * The stores that several processes share, each with its lease.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { FlyTokens, Storage } from "../../src/index.ts"
import { FlyTokensNode } from "../../src/node.ts"
import { LeaseRedis, RedisConnection, StorageRedis } from "../../src/redis.ts"
import { LeaseSql, StorageSql } from "../../src/sql.ts"

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

/** The store with its lease. */
export const storage = (
  store: SharedStore,
  environment: Readonly<Record<string, string | undefined>>
): Layer.Layer<Storage, unknown> => {
  const { kind, leaseTtl: ttl, name, url } = store
  switch (kind) {
    case "files":
      return FlyTokensNode.layerFiles({ environment, leaseTtl: ttl })
    case "redis":
      return Layer.merge(StorageRedis.layer({ prefix: `${name}:` }), LeaseRedis.layer({ prefix: `${name}:`, ttl }))
        .pipe(
          Layer.provide(RedisConnection.layer(NodeRedis.layer({ url, disableOfflineQueue: true })))
        )
    case "postgres":
      return Layer.merge(StorageSql.layer({ table: name }), LeaseSql.layer({ table: name, ttl })).pipe(
        Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: store.connections ?? 2 }))
      )
  }
}

export const tokens = (
  store: SharedStore,
  options: FlyTokensNode.FlyTokensNodeOptions & { readonly environment: Readonly<Record<string, string | undefined>> }
): Layer.Layer<FlyTokens, unknown> =>
  Layer.provide(FlyTokensNode.layerNoStorage(options), storage(store, options.environment))
