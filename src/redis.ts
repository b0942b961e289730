/**
 * Storage and lease in Redis, over the `Redis` service of Effect (`@effect/platform-node/NodeRedis`).
 *
 * @since 0.1.0
 */
export * as LeaseRedis from "./layers/redis/LeaseRedis.ts"
export * as RedisConnection from "./layers/redis/RedisConnection.ts"
export * as StorageRedis from "./layers/redis/StorageRedis.ts"
