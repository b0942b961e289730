/**
 * One value of each reason and each error, as the guide to them quotes it.
 */
import { UntrustedOrigin } from "../../src/http.ts"
import {
  AttenuationFailed,
  InvalidAppName,
  LeaseError,
  MissReason,
  NoTokenAvailable,
  PersistFailed,
  StorageError
} from "../../src/index.ts"
import { AppName, InvalidOption, UnusableToken } from "../../src/index.ts"

export const app = AppName.make("my-app")

const store = "/home/me/.local/state/fly-tokens"

export const reasons: ReadonlyArray<MissReason.MissReason> = [
  new MissReason.NotFound({ what: "no stored token" }),
  new MissReason.Disabled(),
  new MissReason.Expired({ expiredAt: Date.UTC(2026, 10, 24, 17, 11, 50) }),
  new MissReason.Undischarged({ locations: ["https://api.fly.io/aaa/v1"] }),
  new MissReason.Insufficient({ lacks: "organization" }),
  new MissReason.Malformed({ why: "a part of it is cut off" }),
  new MissReason.Rejected({ fingerprint: "91b59702" }),
  new MissReason.NotNewer({ fingerprint: "91b59702" }),
  new MissReason.TimedOut({ option: "cliTimeout", limitMillis: 45_000 }),
  new MissReason.Unreadable({ path: "/home/me/.fly/config.yml", why: "the file is not YAML" }),
  new MissReason.BinaryNotFound({ looked: ["flyctl and fly on PATH", "/home/me/.fly/bin"] }),
  new MissReason.NotExecutable({ path: "/usr/local/bin/flyctl" }),
  new MissReason.NotFlyctl({ path: "/usr/local/bin/fly" }),
  new MissReason.OutdatedFlyctl(),
  new MissReason.NotLoggedIn(),
  new MissReason.NotAuthenticated(),
  new MissReason.OrgRequired(),
  new MissReason.OrgUnknown({ slug: "my-org" }),
  new MissReason.AppUnknown({ app }),
  new MissReason.MintRefused(),
  new MissReason.HttpFailed({ status: 503 }),
  new MissReason.Unreachable({ by: "notFound" }),
  new MissReason.Forbidden(),
  new MissReason.RateLimited(),
  new MissReason.SignOnRequired(),
  new MissReason.HomeUnusable({ problem: "notWritable", path: "/home/me/.fly" }),
  new MissReason.InvalidExpiry(),
  new MissReason.ConfigLocked(),
  new MissReason.Killed(),
  new MissReason.Panicked(),
  new MissReason.OutputTooLarge({ limitBytes: 65_536 }),
  new MissReason.ExitCode({ code: 7 }),
  new MissReason.StorageFailed({ path: `${store}/cached`, why: "permission denied (EACCES)" }),
  new MissReason.Defect({ kind: "TypeError" })
]

export const errors = [
  new NoTokenAvailable({
    app,
    attempts: [
      { source: "env", reason: new MissReason.NotFound({ what: "FLY_ACCESS_TOKEN and FLY_API_TOKEN are not set" }) },
      { source: "storage", reason: new MissReason.Expired({ expiredAt: Date.UTC(2026, 10, 24, 17, 11, 50) }) },
      { source: "config", reason: new MissReason.NotFound({ what: "/home/me/.fly/config.yml does not exist" }) },
      { source: "cli", reason: new MissReason.NotLoggedIn() },
      { source: "manual", reason: new MissReason.NotFound({ what: "no manual token set" }) }
    ]
  }),
  InvalidAppName.of("My App"),
  new UnusableToken({ app, reason: new MissReason.Malformed({ why: "a part of it is cut off" }) }),
  new PersistFailed({
    app,
    operation: "setManual",
    reason: new MissReason.StorageFailed({
      path: `${store}/manual/my-app.json`,
      why: "no space left on the device (ENOSPC)"
    })
  }),
  new InvalidOption({ option: "cliConcurrency", expected: "a whole number from 1" }),
  new StorageError({ operation: "list", kind: "Unavailable", path: `${store}/org`, why: "permission denied (EACCES)" }),
  new LeaseError({ scope: "org/my-org", why: "it could not be had within leaseWait (1m)" }),
  UntrustedOrigin.of(new URL("https://example.com/?secret")),
  new AttenuationFailed({ why: "a user token takes no caveats" })
]

/** A reason as `get` reports it, and as the guide quotes it: the sentence, then the hint. */
export const quoted = (value: { readonly message: string; readonly hint?: string }): string =>
  value.hint === undefined ? value.message : `${value.message}\n→ ${value.hint}`
