/** Why flyctl failed, by what it printed. No text of a child leaves this file. */
import { stripVTControlCharacters } from "node:util"
import type { FlyCliReason } from "../../services/FlyCli.ts"
import * as Reason from "../../services/MissReason.ts"
import type { Ended } from "../program/Program.ts"

/** What we know ourselves of a call that failed: reasons name nothing that flyctl names. */
export interface About {
  /** The app or the organization that was asked for. */
  readonly subject: string
  /** Where flyctl's config file is, if there is a place for it. */
  readonly configFile: string | undefined
}

type Says = readonly [pattern: RegExp, reason: (about: About, match: RegExpExecArray) => FlyCliReason]

/** The path is ours, not the one that flyctl prints. */
const unusable = (problem: Reason.HomeUnusable["problem"]) => ({ configFile }: About) => {
  const directory = configFile?.replace(/[\\/][^\\/]*$/, "")
  const paths = { brokenConfig: configFile, notWritable: directory, notPermitted: directory, noHome: undefined }
  return new Reason.HomeUnusable({ problem, path: paths[problem] ?? null })
}

/** A directory that cannot be made is missing; one that is there and refuses belongs to somebody else. */
const isOfOthers = (line: string): boolean =>
  /^failed ensuring/i.test(line) && /permission denied|not permitted/i.test(line)

const unreachable = (by: Reason.Unreachable["by"]) => () => new Reason.Unreachable({ by })

const byStatus: Readonly<Record<number, () => FlyCliReason>> = {
  401: () => new Reason.NotAuthenticated(),
  403: () => new Reason.Forbidden(),
  407: unreachable("proxy"),
  429: () => new Reason.RateLimited()
}

const httpFailed = (status: number): FlyCliReason => byStatus[status]?.() ?? new Reason.HttpFailed({ status })

/**
 * Read from the top, the first one that is found counts. Go's errors are prefixes before a cause, and the same prefix stands
 * before every cause of a step (`failed retrieving org`, `failed to list active VMs`): it is the cause that is looked for.
 * Where the same word could be the name of an app, `: ` has to stand before it.
 */
const table: ReadonlyArray<Says> = [
  [/^(?:panic:|oops, something went wrong)/im, () => new Reason.Panicked()],

  // flyctl's own files: without them no command does anything.
  [/(?:\$home|%userprofile%) is not defined|failed creating config directory: mkdir :/i, unusable("noHome")],
  [/(?:flyctl\.config\.lock|config\.yml): (?:permission|access is) denied/i, unusable("notPermitted")],
  [
    /(?:flyctl\.config\.lock|config\.yml): (?:read-only file system|no space left on device)/i,
    unusable("notWritable")
  ],
  [
    /failed (?:ensuring config directory perms|creating config directory).*/i,
    (about, [line]) => unusable(isOfOthers(line) ? "notPermitted" : "notWritable")(about)
  ],
  [/^error(?: loading config|: yaml:)/im, unusable("brokenConfig")],
  [/^error: context deadline exceeded$/im, () => new Reason.ConfigLocked()],

  // What it was called with.
  [/^error: invalid argument .{0,200}--expiry/im, () => new Reason.InvalidExpiry()],
  [/^error: unknown (?:flag|shorthand flag|command)/im, () => new Reason.OutdatedFlyctl()],
  [/failed retrieving org slug argument must be specified/i, () => new Reason.OrgRequired()],

  // What Fly answered.
  [/^error: no access token available/im, () => new Reason.NotLoggedIn()],
  [/(?:non-200 status code:|non-2xx status:|returned error) (\d{3})\b/i, (_, [, status]) => httpFailed(Number(status))],
  [
    /you must be authenticated|token validation error|malformed: bad token|: unauthorized\b/i,
    () => new Reason.NotAuthenticated()
  ],
  [/failed creating token: .{0,200}not authorized/i, () => new Reason.MintRefused()],
  [/could not find organization/i, ({ subject }) => new Reason.OrgUnknown({ slug: subject })],
  [/could not find app/i, ({ subject }) => new Reason.AppUnknown({ app: subject })],
  [/rate limit exceeded|too many requests/i, () => new Reason.RateLimited()],

  // The way there. A proxy's refusal reads like Fly's, but stands where the connection fails.
  [
    /proxyconnect tcp|socks connect|proxy authentication required|"https?:[^"\n]*": (?:forbidden|bad gateway|service unavailable|gateway time-?out|method not allowed)$/im,
    unreachable("proxy")
  ],
  [/not authorized to access this |: forbidden\b/i, () => new Reason.Forbidden()],
  [/: x509:|failed to verify certificate/i, unreachable("certificate")],
  [/dial tcp: lookup |no such host/i, unreachable("notFound")],
  [
    /i\/o timeout|handshake timeout|connection timed out|timeout awaiting|client\.timeout|: context deadline exceeded|did not properly respond/i,
    unreachable("timedOut")
  ],
  [/connection refused|actively refused/i, unreachable("refused")],
  [
    /invalid character '<'|first record does not look like a tls handshake|server gave http response to https client/i,
    unreachable("portal")
  ],
  [
    /network is (?:unreachable|down)|no route to host|connection reset|broken pipe|forcibly closed|: (?:unexpected )?eof$|"https?:[^"\n]*": /im,
    unreachable("network")
  ]
]

/** More than any error has; what hostile output has beyond is not looked at. */
const endLength = 16 * 1024

const endsOf = (text: string): string =>
  text.length <= 2 * endLength ? text : `${text.slice(0, endLength)}\n${text.slice(-endLength)}`

/** A spinner jumps to the begin of the line, or wipes it. */
const jump = new RegExp(`${String.fromCharCode(27)}\\[[\\d;?]*[A-HJKhl]`, "g")

/** From the first line that tells of an error: what stands before it may name other failures, as warnings do. */
const errorIn = (printed: string): string => {
  const lines = stripVTControlCharacters(endsOf(printed).replace(jump, "\n")).split(/[\r\n]+/).map((line) =>
    line.trim()
  )
  const first = lines.findIndex((line) => /^(?:error\b|panic:|oops, something went wrong)/i.test(line))
  return first === -1 ? "" : lines.slice(first).filter((line) => !/^warning:/i.test(line)).join("\n")
}

const byExitCode = ({ exitCode, stderr }: Ended): FlyCliReason => {
  // A shell that finds no command ends with 127 too, but says so.
  if (exitCode === 127 && stderr.trim() === "") return new Reason.Killed()
  return exitCode === 3 ? new Reason.Panicked() : new Reason.ExitCode({ code: exitCode })
}

/**
 * Why flyctl failed: by what flyctl v0.4.87 says, without case, whatever is printed around it. That there is no such app
 * or organization is said only where Fly said so.
 */
export const failureOf = (ended: Ended, about: About): FlyCliReason => {
  const text = `${errorIn(ended.stderr)}\n${errorIn(ended.stdout)}`
  for (const [pattern, reason] of table) {
    const match = pattern.exec(text)
    if (match !== null) return reason(about, match)
  }
  return byExitCode(ended)
}
