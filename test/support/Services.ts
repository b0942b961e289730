/**
 * Redis and PostgreSQL, where the environment says they are.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const redisUrl = process.env["REDIS_URL"]
const databaseUrl = process.env["DATABASE_URL"]

export const redis = {
  url: redisUrl ?? "",
  skip: redisUrl === undefined,
  why: redisUrl === undefined ? " (skipped: REDIS_URL does not say where a Redis is)" : ""
}

export const postgres = {
  url: databaseUrl ?? "",
  skip: databaseUrl === undefined,
  why: databaseUrl === undefined ? " (skipped: DATABASE_URL does not say where a PostgreSQL is)" : ""
}

// A reporter that folds files up does not show the names of what was skipped.
for (const { why } of [redis, postgres]) if (why !== "") console.log(`tests${why}`)

export const redisLayer = Layer.suspend(() => NodeRedis.layer({ url: redis.url, disableOfflineQueue: true }))

export const postgresLayer = Layer.suspend(() => PgClient.layer({ url: Redacted.make(postgres.url) }))

/** A name that no other run uses. */
export const unique = (stem: string): string => `${stem}_${Math.floor(Math.random() * 36 ** 8).toString(36)}`
