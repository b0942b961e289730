/**
 * What each layer gives, how building it may fail, and what it needs.
 */
import type { ConfigError } from "effect/Config"
import type { Effect } from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import type { HttpClient } from "effect/http/HttpClient"
import type { Layer } from "effect/Layer"
import type { Path } from "effect/Path"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import type { Redis } from "effect/persistence/Redis"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { describe, expectTypeOf, test } from "vitest"
import * as http from "../../src/http.ts"
import * as root from "../../src/index.ts"
import * as node from "../../src/node.ts"
import * as redis from "../../src/redis.ts"
import * as sql from "../../src/sql.ts"
import * as testing from "../../src/testing.ts"

type Sources = root.Environment | root.Storage | root.ConfigFile | root.FlyCli

/** The names of all layers of an entry, as `FlyTokensNode.layer`: each is called so. */
type LayersOf<Entry> = {
  [Name in keyof Entry & string]: `${Name}.${keyof Entry[Name] & `layer${string}`}`
}[keyof Entry & string]

describe("effect-fly-tokens", () => {
  test("has these layers", () => {
    expectTypeOf<LayersOf<typeof root>>().toEqualTypeOf<
      | "FlyTokens.layer"
      | "FlyTokens.layerConfig"
      | "LeaseLocal.layer"
      | "Source.layerConfig"
      | "StorageEncrypted.layer"
      | "StorageEncrypted.layerConfig"
      | "StorageKeyValue.layer"
      | "StorageMemory.layer"
      | "ConfigFile.layerDisabled"
      | "Environment.layerRecord"
      | "FlyCli.layerDisabled"
    >()
  })

  test("FlyTokens needs its four sources, and fails for its options only", () => {
    expectTypeOf(root.FlyTokens.layer).toEqualTypeOf<
      (options?: root.FlyTokensOptions) => Layer<root.FlyTokens, root.InvalidOption, Sources>
    >()
    expectTypeOf(root.FlyTokens.layerConfig()).toEqualTypeOf<
      Layer<root.FlyTokens, root.InvalidOption | ConfigError, Sources>
    >()
  })

  test("a lease of one process replaces the default and needs nothing", () => {
    expectTypeOf(root.LeaseLocal.layer).toEqualTypeOf<
      (options?: root.LeaseOptions) => Layer<never, root.InvalidOption>
    >()
  })

  test("storages", () => {
    expectTypeOf(root.StorageMemory.layer).toEqualTypeOf<Layer<root.Storage>>()
    expectTypeOf(root.StorageKeyValue.layer).toEqualTypeOf<Layer<root.Storage, never, KeyValueStore>>()
  })

  test("encryption is around a storage", () => {
    expectTypeOf(root.StorageEncrypted.layer).toEqualTypeOf<
      (options: root.StorageEncrypted.StorageEncryptedOptions) => Layer<root.Storage, root.InvalidOption, root.Storage>
    >()
    expectTypeOf(root.StorageEncrypted.layerConfig).returns.toEqualTypeOf<
      Layer<root.Storage, root.InvalidOption | ConfigError, root.Storage>
    >()
    expectTypeOf(root.StorageEncrypted.layerConfig).toBeCallableWith()
    expectTypeOf(root.StorageEncrypted.layerConfig).toBeCallableWith({ acceptPlain: true })
  })

  test("sources that are switched off, or fixed", () => {
    expectTypeOf(root.ConfigFile.layerDisabled).toEqualTypeOf<Layer<root.ConfigFile>>()
    expectTypeOf(root.FlyCli.layerDisabled).toEqualTypeOf<Layer<root.FlyCli>>()
    expectTypeOf(root.Environment.layerRecord).returns.toEqualTypeOf<Layer<root.Environment>>()
  })
})

describe("effect-fly-tokens/node", () => {
  type Options = node.FlyTokensNode.FlyTokensNodeOptions
  type Files = FileSystem | Path | root.Environment

  test("has these layers", () => {
    expectTypeOf<LayersOf<typeof node>>().toEqualTypeOf<
      | "FlyTokensNode.layer"
      | "FlyTokensNode.layerConfig"
      | "FlyTokensNode.layerFiles"
      | "FlyTokensNode.layerFly"
      | "FlyTokensNode.layerNoStorage"
      | "FlyTokensNode.layerSources"
      | "FlyTokensNode.layerSourcesConfig"
      | "ConfigFileYaml.layer"
      | "EnvironmentProcess.layer"
      | "FlyCliProcess.layer"
      | "LeaseFileSystem.layer"
      | "StorageFileSystem.layer"
      | "StorageFileSystem.layerReadOnly"
    >()
  })

  test("FlyTokensNode needs nothing, and fails for its options only", () => {
    expectTypeOf(node.FlyTokensNode.layer).toEqualTypeOf<
      (options?: Options) => Layer<root.FlyTokens, root.InvalidOption>
    >()
    expectTypeOf(node.FlyTokensNode.layerConfig).toEqualTypeOf<
      (options?: node.FlyTokensNode.FlyTokensNodeConfig) => Layer<root.FlyTokens, root.InvalidOption | ConfigError>
    >()
  })

  test("FlyTokensNode.layerNoStorage needs a storage and nothing else", () => {
    expectTypeOf(node.FlyTokensNode.layerNoStorage).toEqualTypeOf<
      (options?: Options) => Layer<root.FlyTokens, root.InvalidOption, root.Storage>
    >()
  })

  test("the sources one by one", () => {
    expectTypeOf(node.FlyTokensNode.layerFiles).toEqualTypeOf<
      (options?: Options) => Layer<root.Storage, root.InvalidOption>
    >()
    expectTypeOf(node.FlyTokensNode.layerFly).toEqualTypeOf<
      (options?: Options) => Layer<root.ConfigFile | root.FlyCli | root.Environment>
    >()
    expectTypeOf(node.FlyTokensNode.layerSources).toEqualTypeOf<
      (options?: Options) => Layer<Sources, root.InvalidOption>
    >()
    expectTypeOf(node.FlyTokensNode.layerSourcesConfig).toEqualTypeOf<
      Layer<Sources, root.InvalidOption | ConfigError>
    >()
  })

  test("what they are made of needs a platform, and cannot fail when it is built", () => {
    expectTypeOf(node.EnvironmentProcess.layer).toEqualTypeOf<Layer<root.Environment>>()
    expectTypeOf(node.ConfigFileYaml.layer).toEqualTypeOf<Layer<root.ConfigFile, never, Files>>()
    expectTypeOf(node.FlyCliProcess.layer).returns.toEqualTypeOf<
      Layer<root.FlyCli, never, ChildProcessSpawner | Files>
    >()
    expectTypeOf(node.StorageFileSystem.layer).returns.toEqualTypeOf<Layer<root.Storage, never, Files>>()
    expectTypeOf(node.StorageFileSystem.layerReadOnly).returns.toEqualTypeOf<Layer<root.Storage, never, Files>>()
    expectTypeOf(node.LeaseFileSystem.layer).returns.toEqualTypeOf<Layer<never, root.InvalidOption, Files>>()
  })
})

describe("effect-fly-tokens/redis", () => {
  test("storage and lease need the service Redis, whoever provides it", () => {
    expectTypeOf<LayersOf<typeof redis>>().toEqualTypeOf<
      "LeaseRedis.layer" | "RedisConnection.layer" | "StorageRedis.layer"
    >()
    expectTypeOf(redis.RedisConnection.layer<Error>).returns.toEqualTypeOf<Layer<Redis>>()
    expectTypeOf(redis.StorageRedis.layer).returns.toEqualTypeOf<Layer<root.Storage, never, Redis>>()
    expectTypeOf(redis.LeaseRedis.layer).returns.toEqualTypeOf<Layer<never, root.InvalidOption, Redis>>()
  })
})

describe("effect-fly-tokens/sql", () => {
  test("storage and lease need any SqlClient", () => {
    expectTypeOf<LayersOf<typeof sql>>().toEqualTypeOf<"LeaseSql.layer" | "StorageSql.layer">()
    expectTypeOf(sql.StorageSql.layer).returns.toEqualTypeOf<Layer<root.Storage, never, SqlClient>>()
    expectTypeOf(sql.LeaseSql.layer).returns.toEqualTypeOf<Layer<never, root.InvalidOption, SqlClient>>()
  })

  test("a migration fails as the database does", () => {
    expectTypeOf(sql.SqlTables.migrate).returns.toEqualTypeOf<Effect<void, SqlError | MigrationError, SqlClient>>()
  })
})

describe("effect-fly-tokens/http", () => {
  test("the client needs any HttpClient and FlyTokens", () => {
    expectTypeOf<LayersOf<typeof http>>().toEqualTypeOf<"FlyHttpClient.layer" | "FlyHttpClient.layerConfig">()
    expectTypeOf(http.FlyHttpClient.layer).toEqualTypeOf<
      (
        app: string,
        target: root.ApiTarget,
        options?: http.FlyHttpClientOptions
      ) => Layer<http.FlyHttpClient, never, HttpClient | root.FlyTokens>
    >()
    expectTypeOf(http.FlyHttpClient.layerConfig).returns.toEqualTypeOf<
      Layer<http.FlyHttpClient, ConfigError, HttpClient | root.FlyTokens>
    >()
    expectTypeOf(http.FlyHttpClient.make).returns.toEqualTypeOf<
      Effect<http.FlyHttpClient["Service"], never, HttpClient | root.FlyTokens>
    >()
  })

  test("a client of one's own keeps its errors and needs", () => {
    type Own = HttpClient.With<"own error", "own need">
    type Authorized = HttpClient.With<"own error" | http.FlyHttpError, "own need" | root.FlyTokens>
    expectTypeOf(http.FlyHttpClient.authorized({} as Own, "my-app", "machines")).toEqualTypeOf<Authorized>()
    expectTypeOf(http.FlyHttpClient.authorized("my-app", "machines")({} as Own)).toEqualTypeOf<Authorized>()
  })
})

describe("effect-fly-tokens/testing", () => {
  test("has these layers", () => {
    expectTypeOf<LayersOf<typeof testing>>().toEqualTypeOf<
      | "TestConfigFile.layer"
      | "TestEnvironment.layer"
      | "TestFlyCli.layer"
      | "TestFlyTokens.layer"
      | "TestStorage.layer"
    >()
  })

  test("TestFlyTokens has all services, needs nothing, and fails for its options only", () => {
    expectTypeOf(testing.TestFlyTokens.layer).toEqualTypeOf<
      (options?: testing.TestFlyTokensOptions) => Layer<testing.TestServices, root.InvalidOption>
    >()
    expectTypeOf<testing.TestServices>().toEqualTypeOf<
      | root.FlyTokens
      | Sources
      | testing.TestFlyTokens
      | testing.TestEnvironment
      | testing.TestStorage
      | testing.TestConfigFile
      | testing.TestFlyCli
    >()
  })

  test("each scripted source comes with what steers it", () => {
    expectTypeOf(testing.TestConfigFile.layer).returns.toEqualTypeOf<
      Layer<root.ConfigFile | testing.TestConfigFile>
    >()
    expectTypeOf(testing.TestEnvironment.layer).returns.toEqualTypeOf<
      Layer<root.Environment | testing.TestEnvironment>
    >()
    expectTypeOf(testing.TestFlyCli.layer).returns.toEqualTypeOf<Layer<root.FlyCli | testing.TestFlyCli>>()
    expectTypeOf(testing.TestStorage.layer).returns.toEqualTypeOf<Layer<root.Storage | testing.TestStorage>>()
  })

  test("a conformance suite takes a layer that needs nothing more", () => {
    expectTypeOf(root.StorageMemory.layer).toExtend<Parameters<typeof testing.StorageConformance.checks>[0]>()
    expectTypeOf(root.StorageKeyValue.layer).not.toExtend<Parameters<typeof testing.StorageConformance.checks>[0]>()
    expectTypeOf(root.LeaseLocal.layer()).toExtend<Parameters<typeof testing.LeaseConformance.checks>[0]>()
    expectTypeOf(testing.StorageConformance.checks).returns.toEqualTypeOf<ReadonlyArray<testing.Check>>()
  })
})
