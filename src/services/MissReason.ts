/**
 * Why a source gave no usable token: one tagged value per cause, each with a sentence and a hint that a person can act on.
 *
 * **Details**
 *
 * The causes that flyctl prints are those of flyctl v0.4.87. No reason carries text of a child
 * process, of a file or of an error of other people's code: such text may hold a token.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { optionName } from "./OptionName.ts"

const seconds = (millis: number): string => `${millis / 1000} s`

const date = (millis: number): string => {
  // Years beyond 275,760 have no Date.
  const ended = new Date(millis)
  return Number.isNaN(ended.getTime()) ? `${millis}` : ended.toISOString()
}

/** The source has nothing: a variable that is not set, a file that is not there, no record. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  what: Schema.String
}) {
  override get message(): string {
    return this.what
  }
  get hint(): string {
    return "nothing to do, if another source gives a token"
  }
}

/** The source is switched off in this program. */
export class Disabled extends Schema.TaggedError<Disabled>()("Disabled", {}) {
  override get message(): string {
    return "switched off in this program"
  }
  get hint(): string {
    return `provide a layer for this source, or leave it out of option ${optionName("chain")}`
  }
}

/** The token has come to its end. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", {
  /** Epoch milliseconds. */
  expiredAt: Schema.Finite
}) {
  override get message(): string {
    return `expired at ${date(this.expiredAt)}`
  }
  get hint(): string {
    return "log in again or put a new token there (those of flyctl's config file live for minutes); a new one: set the clock"
  }
}

/** A macaroon lacks the discharge of a third party. */
export class Undischarged extends Schema.TaggedError<Undischarged>()("Undischarged", {
  locations: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `lacks the discharge of ${this.locations.join(", ") || "a third party"}`
  }
  get hint(): string {
    return "copy the whole token, all its comma-separated parts; Fly refuses it without them"
  }
}

/** What the source holds is no token. */
export class Malformed extends Schema.TaggedError<Malformed>()("Malformed", {
  /** A fixed sentence, nothing of the input. */
  why: Schema.String
}) {
  override get message(): string {
    return `not a token: ${this.why}`
  }
  get hint(): string {
    return this.why.startsWith("flyctl")
      ? `check which program is found as flyctl (\`fly version\`), or name it with option ${optionName("binary")}`
      : "copy the whole token again, on one line"
  }
}

/** The token was refused by Fly a short while ago. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", {
  fingerprint: Schema.String
}) {
  override get message(): string {
    return `token ${this.fingerprint} was refused by Fly`
  }
  get hint(): string {
    return "it was revoked or lacks rights: log in again or put a new token there"
  }
}

/** The token is the one that this call is to replace. */
export class NotNewer extends Schema.TaggedError<NotNewer>()("NotNewer", {
  fingerprint: Schema.String
}) {
  override get message(): string {
    return `token ${this.fingerprint} is the one to be replaced`
  }
  get hint(): string {
    return "nothing to do: a refresh asks the next source"
  }
}

/** The source gave no answer within its limit. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  /** The option that sets the limit. */
  option: Schema.String,
  limitMillis: Schema.Finite
}) {
  override get message(): string {
    return `no answer within ${seconds(this.limitMillis)}`
  }
  get hint(): string {
    return `try again; option ${optionName(this.option)} sets the limit`
  }
}

/** A file is there and cannot be used. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  path: Schema.String,
  /** A fixed sentence, nothing of the file. */
  why: Schema.String
}) {
  override get message(): string {
    return `${this.path}: ${this.why}`
  }
  get hint(): string {
    return "mend or remove the file, or run `fly auth login`, which writes it anew"
  }
}

/** There is no flyctl. */
export class BinaryNotFound extends Schema.TaggedError<BinaryNotFound>()("BinaryNotFound", {
  /** Where it was looked for. */
  looked: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `no flyctl found (looked at: ${this.looked.join(", ")})`
  }
  get hint(): string {
    return `install flyctl (https://fly.io/docs/flyctl/install/) or name it with option ${optionName("binary")}`
  }
}

/** The file named flyctl or fly cannot be run. */
export class NotExecutable extends Schema.TaggedError<NotExecutable>()("NotExecutable", {
  path: Schema.String
}) {
  override get message(): string {
    return `${this.path} cannot be run`
  }
  get hint(): string {
    return `make it executable (chmod +x), or name another one with option ${optionName("binary")}`
  }
}

/** The binary is another program, as the client of Concourse CI, which is called `fly` too. */
export class NotFlyctl extends Schema.TaggedError<NotFlyctl>()("NotFlyctl", {
  path: Schema.String
}) {
  override get message(): string {
    return `${this.path} is not Fly.io's flyctl`
  }
  get hint(): string {
    return `install flyctl, or name it with option ${optionName("binary")}`
  }
}

/** This flyctl cannot mint such tokens or does not know `--json`. */
export class OutdatedFlyctl extends Schema.TaggedError<OutdatedFlyctl>()("OutdatedFlyctl", {}) {
  override get message(): string {
    return "this flyctl is too old: it does not know what it was asked for"
  }
  get hint(): string {
    return "run `fly version upgrade`"
  }
}

/** flyctl has no login that it accepts. */
export class NotLoggedIn extends Schema.TaggedError<NotLoggedIn>()("NotLoggedIn", {}) {
  override get message(): string {
    return "flyctl is not logged in"
  }
  get hint(): string {
    return "run `fly auth login`; flyctl also asks for it when the last login is over 30 days old"
  }
}

/** Fly does not accept the login that flyctl has. */
export class NotAuthenticated extends Schema.TaggedError<NotAuthenticated>()("NotAuthenticated", {}) {
  override get message(): string {
    return "Fly does not accept flyctl's login"
  }
  get hint(): string {
    return "run `fly auth login`, and unset FLY_ACCESS_TOKEN and FLY_API_TOKEN if they hold an old token"
  }
}

/** flyctl was asked without an organization. */
export class OrgRequired extends Schema.TaggedError<OrgRequired>()("OrgRequired", {}) {
  override get message(): string {
    return "flyctl wants an organization"
  }
  get hint(): string {
    return `set option ${optionName("org")} to the organization's slug (\`fly orgs list\` shows it)`
  }
}

/** The organization is not known, or the app's organization cannot be found out. */
export class OrgUnknown extends Schema.TaggedError<OrgUnknown>()("OrgUnknown", {
  /** The organization's slug, or the app whose organization was asked for. */
  name: Schema.String
}) {
  override get message(): string {
    return `no organization found for ${this.name}`
  }
  get hint(): string {
    return `check the app's name, your access to it (\`fly apps list\`), and option ${
      optionName("org")
    }, which is the organization's slug`
  }
}

/** The login may not mint tokens. */
export class MintRefused extends Schema.TaggedError<MintRefused>()("MintRefused", {}) {
  override get message(): string {
    return "flyctl's token may not create tokens"
  }
  get hint(): string {
    return "only a login may (`fly auth login`); a deploy or org token in FLY_API_TOKEN may not"
  }
}

/** Fly's API answered with an HTTP error. */
export class HttpFailed extends Schema.TaggedError<HttpFailed>()("HttpFailed", {
  status: Schema.Int
}) {
  override get message(): string {
    return `Fly's API answered flyctl with HTTP status ${this.status}`
  }
  get hint(): string {
    return this.status === 401 || this.status === 403
      ? "run `fly auth login`"
      : "try again; https://status.flyio.net shows incidents"
  }
}

/** flyctl does not take the life asked for. */
export class InvalidExpiry extends Schema.TaggedError<InvalidExpiry>()("InvalidExpiry", {}) {
  override get message(): string {
    return "flyctl does not take the life asked for"
  }
  get hint(): string {
    return `set option ${optionName("ttl")} to a duration of at least one second`
  }
}

/** Another flyctl holds the lock of the config file. */
export class ConfigLocked extends Schema.TaggedError<ConfigLocked>()("ConfigLocked", {}) {
  override get message(): string {
    return "another flyctl holds the lock of the config file"
  }
  get hint(): string {
    return "try again; if it stays so, end the other flyctl"
  }
}

/** The child was ended by a signal. */
export class Killed extends Schema.TaggedError<Killed>()("Killed", {}) {
  override get message(): string {
    return "flyctl was ended by a signal"
  }
  get hint(): string {
    return "try again; look for what ends processes here (memory limits, a supervisor)"
  }
}

/** flyctl crashed. */
export class Panicked extends Schema.TaggedError<Panicked>()("Panicked", {}) {
  override get message(): string {
    return "flyctl crashed"
  }
  get hint(): string {
    return "run `fly version upgrade`, then `fly auth whoami` to see whether it works"
  }
}

/** The child printed more than any answer of flyctl has. */
export class OutputTooLarge extends Schema.TaggedError<OutputTooLarge>()("OutputTooLarge", {
  limitBytes: Schema.Int
}) {
  override get message(): string {
    return `flyctl printed more than ${this.limitBytes} bytes`
  }
  get hint(): string {
    return `check which program is found as flyctl (\`fly version\`), or name it with option ${optionName("binary")}`
  }
}

/** The child failed in a way that we do not know. */
export class ExitCode extends Schema.TaggedError<ExitCode>()("ExitCode", {
  code: Schema.Int
}) {
  override get message(): string {
    return `flyctl failed with exit code ${this.code}`
  }
  get hint(): string {
    return "run `fly auth whoami` and `fly orgs list` to see what it says"
  }
}

/** The store failed. */
export class StorageFailed extends Schema.TaggedError<StorageFailed>()("StorageFailed", {
  /** A fixed sentence, nothing of the record. */
  why: Schema.String,
  path: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.path === undefined ? `the store failed: ${this.why}` : `${this.path}: ${this.why}`
  }
  get hint(): string {
    return "check the store: its directory, permissions, space or connection"
  }
}

/** Code of a source threw, or the system refused something. Only the kind of error is told: its text may hold anything. */
export class Defect extends Schema.TaggedError<Defect>()("Defect", {
  name: Schema.String
}) {
  override get message(): string {
    return `failed unexpectedly (${this.name})`
  }
  get hint(): string {
    return /^E[A-Z0-9]+$/.test(this.name)
      ? "the system refused it: look at its limits (open files, processes, memory) and permissions"
      : "this is a bug in the layer of this source: run it alone to see its error"
  }
}

const reasons = [
  NotFound,
  Disabled,
  Expired,
  Undischarged,
  Malformed,
  Rejected,
  NotNewer,
  TimedOut,
  Unreadable,
  BinaryNotFound,
  NotExecutable,
  NotFlyctl,
  OutdatedFlyctl,
  NotLoggedIn,
  NotAuthenticated,
  OrgRequired,
  OrgUnknown,
  MintRefused,
  HttpFailed,
  InvalidExpiry,
  ConfigLocked,
  Killed,
  Panicked,
  OutputTooLarge,
  ExitCode,
  StorageFailed,
  Defect
] as const

/**
 * Every cause for which a source can give no token.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export const MissReason = Schema.Union(reasons)

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type MissReason = typeof MissReason.Type

/**
 * The reason for a thrown value: its kind, never its text.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const fromDefect = (defect: unknown): Defect =>
  new Defect({
    // The name of a class is code, not data; a `name` that was assigned may be anything.
    name: defect instanceof Error
      ? (/^[A-Za-z][A-Za-z0-9]{0,40}$/.exec(defect.constructor.name)?.[0] ?? "Error")
      : typeof defect
  })
