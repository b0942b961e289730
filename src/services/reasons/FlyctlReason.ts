/** Why flyctl gives nothing: what it prints and how it ends, of v0.4.87. */
import * as Schema from "effect/Schema"
import { told } from "../../token/Redaction.ts"
import { optionName } from "../OptionName.ts"

/** There is no flyctl. */
export class BinaryNotFound extends Schema.TaggedError<BinaryNotFound>()("BinaryNotFound", {
  /** Where it was looked for. */
  looked: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return told`no flyctl found (looked at: ${this.looked.join(", ")})`
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
    return told`${this.path} cannot be run`
  }
  get hint(): string {
    return `make it executable (chmod +x); if it is, run it in a shell to see what is missing (noexec, an interpreter, another kind of machine), or name another one with option ${
      optionName("binary")
    }`
  }
}

/** The binary is another program, as the client of Concourse CI, which is called `fly` too. */
export class NotFlyctl extends Schema.TaggedError<NotFlyctl>()("NotFlyctl", {
  path: Schema.String
}) {
  override get message(): string {
    return told`${this.path} is not Fly.io's flyctl`
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
    return "run `fly version upgrade`, or upgrade it as it was installed"
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

/** Fly knows no such organization, or does not show it to this login. */
export class OrgUnknown extends Schema.TaggedError<OrgUnknown>()("OrgUnknown", {
  /** The organization's slug, or the app that is said to be in it. */
  name: Schema.String
}) {
  override get message(): string {
    return told`no organization found for ${this.name}`
  }
  /** Its `name` is a field. */
  override toString(): string {
    return `${this._tag}: ${this.message}`
  }
  get hint(): string {
    return `\`fly orgs list\` shows the organizations of your login; option ${
      optionName("org")
    }, if it is set, has to be the slug of one of them`
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
  /** The HTTP status. */
  status: Schema.Int
}) {
  override get message(): string {
    return told`Fly's API answered flyctl with HTTP status ${this.status}`
  }
  get hint(): string {
    return this.status >= 500
      ? "try again later; https://status.flyio.net shows incidents"
      : "run `fly version upgrade`; check FLY_API_BASE_URL, if it is set, and what a proxy may answer"
  }
}

/** Fly does not know the app, or does not show it to this login. */
export class AppUnknown extends Schema.TaggedError<AppUnknown>()("AppUnknown", {
  /** The app that was asked for. */
  name: Schema.String
}) {
  override get message(): string {
    return told`Fly knows no app ${this.name} that this login may see`
  }
  /** Its `name` is a field. */
  override toString(): string {
    return `${this._tag}: ${this.message}`
  }
  get hint(): string {
    return "check the app's name, and that your login sees it (`fly apps list`)"
  }
}

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
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  /** What stands in the way, as far as it is known. */
  by: Schema.Literals(["refused", "notFound", "timedOut", "certificate", "proxy", "portal", "network"])
}) {
  override get message(): string {
    return `Fly's API cannot be reached: ${unreachable[this.by][0]}`
  }
  get hint(): string {
    return unreachable[this.by][1]
  }
}

/** The login is valid, and may not do this. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {}) {
  override get message(): string {
    return "Fly does not let this login do that"
  }
  get hint(): string {
    return "check that `fly auth whoami` is a member of the app's organization; FLY_ACCESS_TOKEN and FLY_API_TOKEN count before the login"
  }
}

/** Fly's API was asked too often. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {}) {
  override get message(): string {
    return "Fly's API was asked too often"
  }
  get hint(): string {
    return "wait a minute, then try again; fewer processes that share a store ask less"
  }
}

/** The organization wants a single sign-on, which only a person can do. */
export class SignOnRequired extends Schema.TaggedError<SignOnRequired>()("SignOnRequired", {}) {
  override get message(): string {
    return "the organization wants a single sign-on: its tokens do not work without it"
  }
  get hint(): string {
    return "sign on with `fly auth login`, or set a token by hand that somebody minted who has (`fly-tokens set`)"
  }
}

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
export class HomeUnusable extends Schema.TaggedError<HomeUnusable>()("HomeUnusable", {
  /** What is wrong with it. */
  problem: Schema.Literals(["brokenConfig", "notWritable", "notPermitted", "noHome"]),
  /** The file or directory; `null` if there is none. */
  path: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    return told`flyctl ${unusable[this.problem][0]}${this.path === null ? "" : ` ${this.path}`}`
  }
  get hint(): string {
    return unusable[this.problem][1]
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
  /** How much is read at most. */
  limitBytes: Schema.Int
}) {
  override get message(): string {
    return told`flyctl printed more than ${this.limitBytes} bytes`
  }
  get hint(): string {
    return `check which program is found as flyctl (\`fly version\`), or name it with option ${
      optionName("binary")
    }; if it lists too many apps, option ${optionName("org")} saves the list`
  }
}

/** The child failed in a way that we do not know. */
export class ExitCode extends Schema.TaggedError<ExitCode>()("ExitCode", {
  /** The exit code. */
  code: Schema.Int
}) {
  override get message(): string {
    return told`flyctl failed with exit code ${this.code}`
  }
  get hint(): string {
    return "run `fly auth whoami` and `fly orgs list` to see what it says"
  }
}
