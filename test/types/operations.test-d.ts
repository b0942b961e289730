/**
 * What each operation of the services comes to, and how it may fail.
 */
import type { Duration } from "effect/Duration"
import type { Effect } from "effect/Effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { Option } from "effect/Option"
import type { Redacted } from "effect/Redacted"
import type { Result } from "effect/Result"
import type { Stream } from "effect/Stream"
import { describe, expectTypeOf, test } from "vitest"
import type * as http from "../../src/http.ts"
import * as root from "../../src/index.ts"

describe("FlyTokens", () => {
  type Service = root.FlyTokens["Service"]

  test("has these operations", () => {
    expectTypeOf<keyof Service>().toEqualTypeOf<
      | "get"
      | "refresh"
      | "invalidate"
      | "setManual"
      | "removeManual"
      | "keep"
      | "peek"
      | "status"
      | "statuses"
      | "events"
    >()
  })

  test("get and refresh fail for want of a token or of a name, refresh also by what is no token", () => {
    expectTypeOf<Service["get"]>().toEqualTypeOf<
      (app: string) => Effect<root.ResolvedToken, root.NoTokenAvailable | root.InvalidAppName>
    >()
    expectTypeOf<Service["refresh"]>().toEqualTypeOf<
      (
        app: string,
        refusal?: root.RefreshOptions
      ) => Effect<root.ResolvedToken, root.NoTokenAvailable | root.InvalidAppName | root.UnusableToken>
    >()
  })

  test("invalidate fails with the store, never for want of a token", () => {
    expectTypeOf<Service["invalidate"]>().returns.toEqualTypeOf<
      Effect<Option<root.ResolvedToken>, root.InvalidAppName | root.UnusableToken | root.PersistFailed>
    >()
  })

  test("setManual can find a token unusable, removeManual takes none", () => {
    expectTypeOf<Service["setManual"]>().toEqualTypeOf<
      (
        app: string,
        token: root.FlyToken | Redacted<string>
      ) => Effect<void, root.InvalidAppName | root.UnusableToken | root.PersistFailed>
    >()
    expectTypeOf<Service["removeManual"]>().returns.toEqualTypeOf<
      Effect<void, root.InvalidAppName | root.PersistFailed>
    >()
  })

  test("peek runs no effect", () => {
    expectTypeOf<Service["peek"]>().toEqualTypeOf<(app: string) => Option<root.ResolvedToken>>()
  })

  test("looking on fails for want of a name, or not at all", () => {
    expectTypeOf<Service["status"]>().returns.toEqualTypeOf<Effect<root.TokenStatus, root.InvalidAppName>>()
    expectTypeOf<Service["statuses"]>().toEqualTypeOf<Effect<ReadonlyArray<root.TokenStatus>>>()
    expectTypeOf<Service["events"]>().toEqualTypeOf<Stream<root.TokenEvent>>()
  })

  test("a refused token is a FlyToken or a redacted text, never a plain one", () => {
    expectTypeOf<root.RefreshOptions["rejected"]>().toEqualTypeOf<root.FlyToken | Redacted<string> | undefined>()
  })
})

describe("the services of the sources", () => {
  test("Storage fails with StorageError alone", () => {
    type Service = root.Storage["Service"]
    expectTypeOf<Service["get"]>().returns.toEqualTypeOf<Effect<Option<root.StoredToken>, root.StorageError>>()
    expectTypeOf<Service["put"]>().returns.toEqualTypeOf<Effect<void, root.StorageError>>()
    expectTypeOf<Service["delete"]>().returns.toEqualTypeOf<Effect<void, root.StorageError>>()
    expectTypeOf<Service["list"]>().returns.toEqualTypeOf<Effect<ReadonlyArray<string>, root.StorageError>>()
    expectTypeOf<NonNullable<Service["getMany"]>>().returns.toEqualTypeOf<
      Effect<root.StoredTokens, root.StorageError>
    >()
    expectTypeOf(root.Storage.make<never>).toEqualTypeOf<(backing: root.StorageBacking) => Service>()
    expectTypeOf(root.Storage.make<"full">).toBeCallableWith({} as root.StorageBacking<"full">)
  })

  test("a storage written without getMany is one", () => {
    expectTypeOf<Pick<root.Storage["Service"], "get" | "put" | "delete" | "list">>().toExtend<
      root.Storage["Service"]
    >()
    expectTypeOf<Pick<root.StorageBacking, "read" | "write" | "remove" | "names" | "setAside">>().toExtend<
      root.StorageBacking
    >()
  })

  test("a record's metadata has no secret", () => {
    expectTypeOf<keyof root.RecordMeta>().toEqualTypeOf<
      "expiresAt" | "source" | "savedAt" | "fence" | "org" | "login"
    >()
  })

  test("FlyCli fails with its own reasons", () => {
    type Service = root.FlyCli["Service"]
    expectTypeOf<Service["mintReadonly"]>().toEqualTypeOf<
      (
        org: string,
        options: root.FlyCallOptions & { readonly ttl: Duration }
      ) => Effect<root.FlyToken, root.FlyCliReason>
    >()
    expectTypeOf<Service["mintDeploy"]>().returns.toEqualTypeOf<Effect<root.FlyToken, root.FlyCliReason>>()
    expectTypeOf<Service["listApps"]>().returns.toEqualTypeOf<Effect<ReadonlyMap<string, string>, root.FlyCliReason>>()
    expectTypeOf<Service["orgOf"]>().returns.toEqualTypeOf<Effect<string, root.FlyCliReason>>()
  })

  test("ConfigFile fails with its own reasons, Environment not at all", () => {
    expectTypeOf<root.ConfigFile["Service"]["accessToken"]>().toEqualTypeOf<
      Effect<root.FlyToken, root.ConfigFileReason>
    >()
    expectTypeOf<root.Environment["Service"]["get"]>().toEqualTypeOf<(name: string) => string | undefined>()
  })

  test("a lease adds LeaseError to what it is held for, and no needs", () => {
    const held = root.Lease.use((lease) => lease.withLease({ org: "my-org" }, () => ({}) as Effect<"used", "own">))
    expectTypeOf(held).toEqualTypeOf<Effect<"used", "own" | root.LeaseError>>()
    const instead = root.Lease.use((lease) =>
      lease.withLease({ app: "my-app" }, () => ({}) as Effect<"used", "own", "need">, {} as Effect<
        Option<"used">,
        "other",
        "another need"
      >)
    )
    expectTypeOf(instead).toEqualTypeOf<Effect<"used", "own" | "other" | root.LeaseError, "need" | "another need">>()
    expectTypeOf(root.Lease.make).returns.toEqualTypeOf<Effect<root.Lease, root.InvalidOption>>()
  })
})

describe("values", () => {
  test("narrowing a token fails with AttenuationFailed", () => {
    expectTypeOf<root.FlyToken["attenuate"]>().toEqualTypeOf<
      (narrowing: root.Narrowing) => Result<root.FlyToken, root.AttenuationFailed>
    >()
  })

  test("an app name is no plain text, and is one where a text is wanted", () => {
    expectTypeOf<string>().not.toExtend<root.AppName>()
    expectTypeOf<root.AppName>().toExtend<string>()
  })

  test("what comes out of a request of FlyHttpClient", () => {
    expectTypeOf<http.FlyHttpError>().toEqualTypeOf<
      root.NoTokenAvailable | root.InvalidAppName | http.UntrustedOrigin | HttpClientError
    >()
  })
})
