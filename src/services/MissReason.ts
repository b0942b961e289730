/**
 * Why a source gave no usable token: one tagged value per cause, each with a sentence and a hint that a person can act on.
 *
 * **Details**
 *
 * The causes that flyctl prints are those of flyctl v0.4.87. No reason carries text of a child process, of a file or of
 * an error of other people's code: such text may hold a token.
 *
 * @category reasons
 * @since 0.1.0
 * @stability stable
 */
import * as Schema from "effect/Schema"
import { remedyOf } from "../token/TokenText.ts"
import { failure } from "./Failure.ts"
import { optionName } from "./OptionName.ts"
import * as SystemCode from "./SystemCode.ts"

/** Which program failed, if it was not flyctl: the first word of a command of the user's. */
const program = Schema.optionalKey(Schema.String)

const byHand = "run the command by hand to see what it says"

const notFlyctl =
  "make it executable (chmod +x); if it is, run it in a shell to see what is missing (noexec, an interpreter, "
  + `another kind of machine), or name another one with option ${optionName("binary")}`

const tooMuchOfFlyctl =
  `check which program is found as flyctl (\`fly version\`), or name it with option ${optionName("binary")}; `
  + `if it lists too many apps, option ${optionName("org")} saves the list`

// Why a source gives nothing, whichever it is.

/** The source has nothing: a variable that is not set, a file that is not there, no record. */
export class NotFound extends failure<NotFound>()("NotFound", {
  /** What is not there, as a sentence. */
  what: Schema.String
}, {
  message: ({ what }) => what,
  hint: "nothing to do, if another source gives a token"
}) {}

/** The source is switched off in this program. */
export class Disabled extends failure<Disabled>()("Disabled", {}, {
  message: "switched off in this program",
  hint: `provide a layer for this source, or leave it out of option ${optionName("chain")}`
}) {}

/** What may keep the answer away, by the option that limits it. */
const slow: Readonly<Record<string, string>> = {
  cliTimeout: "Fly's API may be slow or down (https://status.flyio.net shows incidents)",
  storageTimeout: "look at the store: its disk, network or server",
  configFileTimeout: "look at the disk or network that the config file is on"
}

/** The source gave no answer within its limit. */
export class TimedOut extends failure<TimedOut>()("TimedOut", {
  /** The option that sets the limit. */
  option: Schema.String,
  /** The limit in milliseconds. */
  limitMillis: Schema.Finite
}, {
  message: ({ limitMillis }) => `no answer within ${limitMillis / 1000} s`,
  hint: ({ option }) => `${slow[option] ?? "try again"}; option ${optionName(option)} sets the limit`
}) {}

/** A file is there and cannot be used. */
export class Unreadable extends failure<Unreadable>()("Unreadable", {
  path: Schema.String,
  /** A fixed sentence, nothing of the file. */
  why: Schema.String
}, {
  message: ({ path, why }) => `${path}: ${why}`,
  hint: ({ why }) => {
    if (why === "permission denied") {
      return "give it back to this user (`sudo fly` leaves files of root there), or set FLY_CONFIG_DIR to a copy"
    }
    return why.includes("permission model")
      ? `allow it (--allow-fs-read), or leave \`config\` out of option ${optionName("chain")}`
      : "mend or remove the file, then run `fly auth login`; flyctl itself may fail until then"
  }
}) {}

/** The store failed. */
export class StorageFailed extends failure<StorageFailed>()("StorageFailed", {
  /** A fixed sentence, nothing of the record. */
  why: Schema.String,
  path: Schema.optionalKey(Schema.String)
}, {
  message: ({ path = "the store failed", why }) => `${path}: ${why}`,
  hint: "check the store: its directory, permissions, space or connection"
}) {}

/**
 * Code of a source threw, or the system refused something. Only the kind of error is told: its text may hold anything.
 */
export class Defect extends failure<Defect>()("Defect", {
  /** The system's code, or the class of what was thrown. */
  kind: Schema.String
}, {
  message: ({ kind }) => `failed unexpectedly (${kind})`,
  hint: ({ kind }) => {
    if (kind === SystemCode.accessDenied) {
      return "Node's permission model refuses it: allow it by --allow-fs-read, --allow-fs-write and --allow-child-process"
    }
    return /^E[A-Z0-9]+$/.test(kind)
      ? "the system refused it: look at its limits (open files, processes, memory) and permissions"
      : "this is a bug in the layer of this source: run it alone to see its error"
  }
}) {}

/** The reason for a thrown value: its code if it has one, else its class, never its text. */
export const fromDefect = (defect: unknown): Defect =>
  new Defect({
    // The name of a class is code, not data; a `name` that was assigned may be anything.
    kind: defect instanceof Error
      ? SystemCode.of(defect) ?? (/^[A-Za-z][A-Za-z0-9]{0,40}$/.exec(defect.constructor.name)?.[0] ?? "Error")
      : typeof defect
  })

// What is wrong with a token that a source has.

const date = (millis: number): string => {
  // Years beyond 275,760 have no Date.
  const ended = new Date(millis)
  return Number.isNaN(ended.getTime()) ? `${millis}` : ended.toISOString()
}

/** The token has come to its end. */
export class Expired extends failure<Expired>()("Expired", {
  /** Epoch milliseconds. */
  expiredAt: Schema.Finite
}, {
  message: ({ expiredAt }) => `expired at ${date(expiredAt)}`,
  hint: "put a new token there; if it is new, set this machine's clock"
}) {}

/** A macaroon lacks the discharge of a third party. */
export class Undischarged extends failure<Undischarged>()("Undischarged", {
  /** Who has to discharge it. */
  locations: Schema.Array(Schema.String)
}, {
  message: ({ locations }) => `lacks the discharge of ${locations.join(", ") || "a third party"}`,
  hint: "copy the whole token, all its comma-separated parts; Fly refuses it without them"
}) {}

/** The token is sound, and allows nothing for this app. */
export class Insufficient extends failure<Insufficient>()("Insufficient", {
  /** What the token has nothing for. */
  lacks: Schema.Literals(["organization", "app"])
}, {
  message: ({ lacks }) =>
    lacks === "organization"
      ? "the token is for another organization than the app's"
      : "the token is for other apps",
  hint: "put a token there that is for this app or its organization, or none: another source may have one"
}) {}

/** What the source holds is no token. */
export class Malformed extends failure<Malformed>()("Malformed", {
  /** A fixed sentence, nothing of the input. */
  why: Schema.String
}, {
  message: ({ why }) => why.startsWith("flyctl ") ? why : `not a token: ${why}`,
  hint: ({ why }) =>
    why.startsWith("flyctl ")
      ? `check which program is found as flyctl (\`fly version\`), or name it with option ${optionName("binary")}`
      : remedyOf(why)
}) {}

/** The token was refused by Fly a short while ago. */
export class Rejected extends failure<Rejected>()("Rejected", {
  /** `FlyToken.fingerprint` of the token. */
  fingerprint: Schema.String
}, {
  message: ({ fingerprint }) => `token ${fingerprint} was refused by Fly`,
  hint: "it was revoked, or lacks rights for this app: put a new token there"
}) {}

/** The token is the one that this call is to replace. */
export class NotNewer extends failure<NotNewer>()("NotNewer", {
  /** `FlyToken.fingerprint` of the token. */
  fingerprint: Schema.String
}, {
  message: ({ fingerprint }) => `token ${fingerprint} is the one to be replaced`,
  hint: "nothing to do: a refresh asks the next source"
}) {}

// Why flyctl gives nothing: what it prints and how it ends.

/** There is no flyctl. */
export class BinaryNotFound extends failure<BinaryNotFound>()("BinaryNotFound", {
  /** Where it was looked for. */
  looked: Schema.Array(Schema.String)
}, {
  message: ({ looked }) => `no flyctl found (looked at: ${looked.join(", ")})`,
  hint: `install flyctl (https://fly.io/docs/flyctl/install/) or name it with option ${optionName("binary")}`
}) {}

/** The file named flyctl or fly cannot be run. */
export class NotExecutable extends failure<NotExecutable>()("NotExecutable", { path: Schema.String, program }, {
  message: ({ path }) => `${path} cannot be run`,
  hint: ({ program }) => program === undefined ? notFlyctl : byHand
}) {}

/** The binary is another program, as the client of Concourse CI, which is called `fly` too. */
export class NotFlyctl extends failure<NotFlyctl>()("NotFlyctl", { path: Schema.String }, {
  message: ({ path }) => `${path} is not Fly.io's flyctl`,
  hint: `install flyctl, or name it with option ${optionName("binary")}`
}) {}

/** This flyctl cannot mint such tokens or does not know `--json`. */
export class OutdatedFlyctl extends failure<OutdatedFlyctl>()("OutdatedFlyctl", {}, {
  message: "this flyctl is too old: it does not know what it was asked for",
  hint: "run `fly version upgrade`, or upgrade it as it was installed"
}) {}

/** flyctl has no login that it accepts. */
export class NotLoggedIn extends failure<NotLoggedIn>()("NotLoggedIn", {}, {
  message: "flyctl is not logged in",
  hint: "run `fly auth login`; flyctl also asks for it when the last login is over 30 days old"
}) {}

/** Fly does not accept the login that flyctl has. */
export class NotAuthenticated extends failure<NotAuthenticated>()("NotAuthenticated", {}, {
  message: "Fly does not accept flyctl's login",
  hint: "run `fly auth login`, and unset FLY_ACCESS_TOKEN and FLY_API_TOKEN if they hold an old token"
}) {}

/** flyctl was asked without an organization. */
export class OrgRequired extends failure<OrgRequired>()("OrgRequired", {}, {
  message: "flyctl wants an organization",
  hint: `set option ${optionName("org")} to the organization's slug (\`fly orgs list\` shows it)`
}) {}

/** Fly knows no such organization, or does not show it to this login. */
export class OrgUnknown extends failure<OrgUnknown>()("OrgUnknown", {
  /** The organization's slug, or the app that is said to be in it. */
  slug: Schema.String
}, {
  message: ({ slug }) => `no organization found for ${slug}`,
  hint: "`fly orgs list` shows the organizations of your login; option "
    + `${optionName("org")}, if it is set, has to be the slug of one of them`
}) {}

/** Fly does not know the app, or does not show it to this login. */
export class AppUnknown extends failure<AppUnknown>()("AppUnknown", {
  /** The app that was asked for. */
  app: Schema.String
}, {
  message: ({ app }) => `Fly knows no app ${app} that this login may see`,
  hint: "check the app's name, and that your login sees it (`fly apps list`)"
}) {}

/** The login may not mint tokens. */
export class MintRefused extends failure<MintRefused>()("MintRefused", {}, {
  message: "flyctl's token may not create tokens",
  hint: "only a login may (`fly auth login`); a deploy or org token in FLY_API_TOKEN may not"
}) {}

/** Fly's API answered with an HTTP error. */
export class HttpFailed extends failure<HttpFailed>()("HttpFailed", {
  /** The HTTP status. */
  status: Schema.Int
}, {
  message: ({ status }) => `Fly's API answered flyctl with HTTP status ${status}`,
  hint: ({ status }) =>
    status >= 500
      ? "try again later; https://status.flyio.net shows incidents"
      : "run `fly version upgrade`; check FLY_API_BASE_URL, if it is set, and what a proxy may answer"
}) {}

const unreachable = {
  refused: ["the connection was refused", "check the firewall of this machine, and FLY_API_BASE_URL if it is set"],
  notFound: ["the name was not found", "check the DNS settings and the network connection of this machine"],
  timedOut: ["there was no answer in time", "check the network connection; https://status.flyio.net shows incidents"],
  certificate: [
    "its certificate was not accepted",
    "check this machine's clock and CA certificates; name those of a proxy that opens connections in SSL_CERT_FILE"
  ],
  proxy: ["the proxy did not let flyctl through", "check HTTPS_PROXY and NO_PROXY, and what the proxy allows"],
  portal: [
    "something else than the API answered",
    "a login page of the network or a proxy may be in between: open https://api.fly.io in a browser"
  ],
  network: ["the connection failed", "check the network connection of this machine"]
} as const

/** Fly's API cannot be reached from this machine. */
export class Unreachable extends failure<Unreachable>()("Unreachable", {
  /** What stands in the way, as far as it is known. */
  by: Schema.Literals(["refused", "notFound", "timedOut", "certificate", "proxy", "portal", "network"])
}, {
  message: ({ by }) => `Fly's API cannot be reached: ${unreachable[by][0]}`,
  hint: ({ by }) => unreachable[by][1]
}) {}

/** The login is valid, and may not do this. */
export class Forbidden extends failure<Forbidden>()("Forbidden", {}, {
  message: "Fly does not let this login do that",
  hint: "check that `fly auth whoami` is a member of the app's organization; FLY_ACCESS_TOKEN and FLY_API_TOKEN count "
    + "before the login"
}) {}

/** Fly's API was asked too often. */
export class RateLimited extends failure<RateLimited>()("RateLimited", {}, {
  message: "Fly's API was asked too often",
  hint: "wait a minute, then try again; fewer processes that share a store ask less"
}) {}

/** The organization wants a single sign-on, which only a person can do. */
export class SignOnRequired extends failure<SignOnRequired>()("SignOnRequired", {}, {
  message: "the organization wants a single sign-on: its tokens do not work without it",
  hint: "sign on with `fly auth login`, or set a token by hand that somebody minted who has (`fly-tokens set`)"
}) {}

const unusable = {
  brokenConfig: [
    "cannot read its config file",
    "mend or remove the file: until then flyctl does nothing, not even `fly auth login`"
  ],
  notWritable: [
    "cannot write to its directory",
    "make it writable, or set FLY_CONFIG_DIR to a writable copy of it; flyctl does nothing until then, whatever token it has"
  ],
  notPermitted: [
    "has no permission for its files in",
    "give them back to this user (`sudo fly` leaves files of root there), or set FLY_CONFIG_DIR to a copy of its own"
  ],
  noHome: [
    "has no home directory: neither HOME nor FLY_CONFIG_DIR is set",
    "set HOME, or FLY_CONFIG_DIR to a directory that can be written to"
  ]
} as const

/** flyctl cannot use its config file or directory: every call of it fails, whichever it is. */
export class HomeUnusable extends failure<HomeUnusable>()("HomeUnusable", {
  /** What is wrong with it. */
  problem: Schema.Literals(["brokenConfig", "notWritable", "notPermitted", "noHome"]),
  /** The file or directory; `null` if there is none. */
  path: Schema.NullOr(Schema.String)
}, {
  message: ({ path, problem }) => `flyctl ${unusable[problem][0]}${path === null ? "" : ` ${path}`}`,
  hint: ({ problem }) => unusable[problem][1]
}) {}

/** flyctl does not take the life asked for. */
export class InvalidExpiry extends failure<InvalidExpiry>()("InvalidExpiry", {}, {
  message: "flyctl does not take the life asked for",
  hint: `set option ${optionName("ttl")} to a duration of at least one second`
}) {}

/** Another flyctl holds the lock of the config file. */
export class ConfigLocked extends failure<ConfigLocked>()("ConfigLocked", {}, {
  message: "another flyctl holds the lock of the config file",
  hint: "try again; if it stays so, end the other flyctl"
}) {}

/** The child was ended by a signal. */
export class Killed extends failure<Killed>()("Killed", { program }, {
  message: ({ program = "flyctl" }) => `${program} was ended by a signal`,
  hint: "try again; look for what ends processes here (memory limits, a supervisor)"
}) {}

/** flyctl crashed. */
export class Panicked extends failure<Panicked>()("Panicked", {}, {
  message: "flyctl crashed",
  hint: "run `fly version upgrade`, then `fly auth whoami` to see whether it works"
}) {}

/** The child printed more than any answer of flyctl has. */
export class OutputTooLarge extends failure<OutputTooLarge>()("OutputTooLarge", {
  /** How much is read at most. */
  limitBytes: Schema.Int,
  program
}, {
  message: ({ limitBytes, program = "flyctl" }) => `${program} printed more than ${limitBytes} bytes`,
  hint: ({ program }) => program === undefined ? tooMuchOfFlyctl : byHand
}) {}

/** The child failed in a way that we do not know. */
export class ExitCode extends failure<ExitCode>()("ExitCode", {
  /** The exit code. */
  code: Schema.Int,
  program
}, {
  message: ({ code, program = "flyctl" }) => `${program} failed with exit code ${code}`,
  hint: ({ program }) =>
    program === undefined ? "run `fly auth whoami` and `fly orgs list` to see what it says" : byHand
}) {}

const reasons = [
  NotFound,
  Disabled,
  Expired,
  Undischarged,
  Insufficient,
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
  AppUnknown,
  MintRefused,
  HttpFailed,
  Unreachable,
  Forbidden,
  RateLimited,
  SignOnRequired,
  HomeUnusable,
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
 */
export const MissReason = Schema.Union(reasons)

/**
 * One of the causes for which a source gives no token.
 *
 * @category models
 */
export type MissReason = typeof MissReason.Type
