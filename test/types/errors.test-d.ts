/**
 * The tags that programs match on.
 */
import * as Effect from "effect/Effect"
import { describe, expectTypeOf, test } from "vitest"
import type * as http from "../../src/http.ts"
import type * as root from "../../src/index.ts"
import type { MissReason } from "../../src/index.ts"
import type * as testing from "../../src/testing.ts"

type Reason = MissReason.MissReason

describe("reasons", () => {
  test("are these", () => {
    expectTypeOf<Reason["_tag"]>().toEqualTypeOf<
      | "NotFound"
      | "Disabled"
      | "Expired"
      | "Undischarged"
      | "Insufficient"
      | "Malformed"
      | "Rejected"
      | "NotNewer"
      | "TimedOut"
      | "Unreadable"
      | "BinaryNotFound"
      | "NotExecutable"
      | "NotFlyctl"
      | "OutdatedFlyctl"
      | "NotLoggedIn"
      | "NotAuthenticated"
      | "OrgRequired"
      | "OrgUnknown"
      | "AppUnknown"
      | "MintRefused"
      | "HttpFailed"
      | "Unreachable"
      | "Forbidden"
      | "RateLimited"
      | "SignOnRequired"
      | "HomeUnusable"
      | "InvalidExpiry"
      | "ConfigLocked"
      | "Killed"
      | "Panicked"
      | "OutputTooLarge"
      | "ExitCode"
      | "StorageFailed"
      | "Defect"
    >()
  })

  test("each class of the module is in the union, and the other way round", () => {
    type Classes = {
      [Name in keyof typeof MissReason]: (typeof MissReason)[Name] extends
        new(...args: never) => { readonly hint: string } ? Name
        : never
    }[keyof typeof MissReason]
    expectTypeOf<Classes>().toEqualTypeOf<Reason["_tag"]>()
  })

  test("a switch over all tags leaves nothing", () => {
    const group = (reason: Reason): "log in" | "organization" | "command" | "elsewhere" => {
      switch (reason._tag) {
        case "NotLoggedIn":
        case "NotAuthenticated":
        case "MintRefused":
        case "Forbidden":
        case "SignOnRequired":
          return "log in"
        case "OrgRequired":
        case "OrgUnknown":
        case "AppUnknown":
          return "organization"
        case "BinaryNotFound":
        case "NotExecutable":
        case "NotFlyctl":
        case "OutdatedFlyctl":
        case "HttpFailed":
        case "Unreachable":
        case "RateLimited":
        case "HomeUnusable":
        case "InvalidExpiry":
        case "ConfigLocked":
        case "Killed":
        case "Panicked":
        case "OutputTooLarge":
        case "ExitCode":
          return "command"
        case "NotFound":
        case "Disabled":
        case "Expired":
        case "Undischarged":
        case "Insufficient":
        case "Malformed":
        case "Rejected":
        case "NotNewer":
        case "TimedOut":
        case "Unreadable":
        case "StorageFailed":
        case "Defect":
          return "elsewhere"
        default:
          return reason satisfies never
      }
    }
    expectTypeOf(group).returns.toEqualTypeOf<"log in" | "organization" | "command" | "elsewhere">()
  })

  test("each has a sentence and a hint", () => {
    expectTypeOf<Reason["message"]>().toEqualTypeOf<string>()
    expectTypeOf<Reason["hint"]>().toEqualTypeOf<string>()
  })

  test("of the config file, and of the command", () => {
    expectTypeOf<root.ConfigFileReason["_tag"]>().toEqualTypeOf<"NotFound" | "Unreadable" | "Malformed" | "Disabled">()
    expectTypeOf<Exclude<Reason["_tag"], root.FlyCliReason["_tag"]>>().toEqualTypeOf<
      "Rejected" | "Insufficient" | "NotNewer" | "TimedOut" | "StorageFailed"
    >()
  })
})

describe("errors", () => {
  test("have these tags", () => {
    expectTypeOf<root.NoTokenAvailable["_tag"]>().toEqualTypeOf<"NoTokenAvailable">()
    expectTypeOf<root.InvalidAppName["_tag"]>().toEqualTypeOf<"InvalidAppName">()
    expectTypeOf<root.InvalidOption["_tag"]>().toEqualTypeOf<"InvalidOption">()
    expectTypeOf<root.PersistFailed["_tag"]>().toEqualTypeOf<"PersistFailed">()
    expectTypeOf<root.UnusableToken["_tag"]>().toEqualTypeOf<"UnusableToken">()
    expectTypeOf<root.StorageError["_tag"]>().toEqualTypeOf<"StorageError">()
    expectTypeOf<root.LeaseError["_tag"]>().toEqualTypeOf<"LeaseError">()
    expectTypeOf<root.AttenuationFailed["_tag"]>().toEqualTypeOf<"AttenuationFailed">()
    expectTypeOf<http.UntrustedOrigin["_tag"]>().toEqualTypeOf<"UntrustedOrigin">()
    expectTypeOf<testing.ConformanceError["_tag"]>().toEqualTypeOf<"ConformanceError">()
  })

  test("NoTokenAvailable says per source why", () => {
    expectTypeOf<root.NoTokenAvailable["attempts"]>().toEqualTypeOf<ReadonlyArray<root.Attempt>>()
    expectTypeOf<root.Attempt>().toEqualTypeOf<{ readonly source: root.SourceName; readonly reason: Reason }>()
    expectTypeOf<root.SourceName>().toEqualTypeOf<
      "env" | "storage" | "config" | "cli" | "manual" | (string & {})
    >()
  })

  test("PersistFailed and UnusableToken have few reasons", () => {
    expectTypeOf<root.PersistFailed["reason"]["_tag"]>().toEqualTypeOf<"StorageFailed" | "TimedOut" | "Defect">()
    expectTypeOf<root.PersistFailed["operation"]>().toEqualTypeOf<"setManual" | "removeManual" | "invalidate">()
    expectTypeOf<root.UnusableToken["reason"]["_tag"]>().toEqualTypeOf<"Malformed" | "Expired" | "Undischarged">()
  })

  test("StorageError has these kinds", () => {
    expectTypeOf<root.StorageError["kind"]>().toEqualTypeOf<
      | "Unavailable"
      | "Corrupt"
      | "Insecure"
      | "UnsupportedVersion"
      | "InvalidName"
      | "InvalidRecord"
      | "Superseded"
      | "WrongKey"
    >()
  })

  test("a caught tag is gone from the error channel", () => {
    const get = {} as ReturnType<root.FlyTokens["Service"]["get"]>
    expectTypeOf(Effect.catchTag(get, "NoTokenAvailable", () => Effect.succeedNone)).toExtend<
      Effect.Effect<unknown, root.InvalidAppName>
    >()
  })
})

describe("events", () => {
  test("have these tags", () => {
    expectTypeOf<root.TokenEvent["_tag"]>().toEqualTypeOf<
      | "Acquired"
      | "Refreshed"
      | "RefreshFailed"
      | "Rejected"
      | "Invalidated"
      | "PersistFailed"
      | "LeaseUnavailable"
      | "ManualSet"
      | "ManualRemoved"
      | "Evicted"
    >()
  })
})
