/**
 * What flyctl v0.4.87 says when it fails, word for word, and what it means.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Failure from "../../src/layers/fly/FlyCliFailure.ts"

const about: Failure.About = { subject: "my-app", configFile: "/home/me/.fly/config.yml" }

const query = "query($slug: String!) { organization(slug: $slug) { id internalNumericId slug } }"
const looking = `Error: failed retrieving org failed retrieving organization with slug acme: failed to run ${query}: `
/** As flyctl prints a query that was written on several lines. */
const lookingLong =
  "Error: failed retrieving app my-app: failed to run query ($appName: String!) {\n  app(name: $appName) {\n    id\n  }\n}: "
const post = "Post \"https://api.fly.io/graphql\": "
const machines = "Error: failed to list active VMs: "

/** A name for what the reason says, with what it tells besides. */
const named = (reason: ReturnType<typeof Failure.failureOf>): string => {
  switch (reason._tag) {
    case "Unreachable":
      return `Unreachable ${reason.by}`
    case "HomeUnusable":
      return `HomeUnusable ${reason.problem} ${reason.path}`
    case "HttpFailed":
      return `HttpFailed ${reason.status}`
    case "AppUnknown":
      return `AppUnknown ${reason.app}`
    case "OrgUnknown":
      return `OrgUnknown ${reason.slug}`
    default:
      return reason._tag
  }
}

const denied = "Not authorized to access this createlimitedaccesstoken"
const file = "HomeUnusable brokenConfig /home/me/.fly/config.yml"
const unwritable = "HomeUnusable notWritable /home/me/.fly"
const notOurs = "HomeUnusable notPermitted /home/me/.fly"
const noHome = "HomeUnusable noHome null"

/** What is printed on stderr; the reason; the exit code if it is not 1; what is printed on stdout. */
const said: ReadonlyArray<readonly [stderr: string, reason: string, exitCode?: number, stdout?: string]> = [
  // The login.
  ["Error: no access token available. Please login with 'flyctl auth login'", "NotLoggedIn"],
  ["Error: No access token available. Please login with 'flyctl auth login'", "NotLoggedIn"],
  [`${looking}You must be authenticated to view this.`, "NotAuthenticated"],
  ["Error: failed creating token: returned error 401: {\"error\":\"unauthorized\"}", "NotAuthenticated"],
  [`${looking}server returned a non-200 status code: 401`, "NotAuthenticated"],
  [`${machines}Authenticate: token validation error`, "NotAuthenticated"],
  ["Error: parse flyv1 token: malformed: bad token", "NotAuthenticated"],
  // What the login may not do.
  [`Error: failed creating token: input:3: createLimitedAccessToken ${denied}`, "MintRefused"],
  [`Error: failed creating token: input:3:2: createLimitedAccessToken ${denied}\n`, "MintRefused"],
  [`${looking}Not authorized to access this organization`, "Forbidden"],
  [`${looking}server returned a non-200 status code: 403`, "Forbidden"],
  ["Error: failed creating token: returned error 403: {\"error\":\"no\"}", "Forbidden"],
  [`${machines}forbidden`, "Forbidden"],
  // What there is not, by Fly's word.
  [
    "Error: failed retrieving org slug argument must be specified when not running interactively",
    "OrgRequired"
  ],
  [`${looking}Could not find Organization`, "OrgUnknown my-app"],
  [
    "Error: failed retrieving org failed retrieving organization: Could not find Organization acme",
    "OrgUnknown my-app"
  ],
  [`${lookingLong}Could not find App`, "AppUnknown my-app"],
  ["Error: failed retrieving app my-app: Could not find App \"my-app\"", "AppUnknown my-app"],
  ["Error: failed to get app: Could not find App", "AppUnknown my-app"],
  // Not absence: why it is not known.
  [`${looking}something that nobody knows`, "ExitCode"],
  ["Error: failed retrieving org something else", "ExitCode"],
  // Fly's API.
  ["Error: failed creating token: returned error 429: {\"error\":\"slow down\"}", "RateLimited"],
  [`${looking}server returned a non-200 status code: 429`, "RateLimited"],
  [`${machines}rate limit exceeded`, "RateLimited"],
  [`${looking}server returned a non-200 status code: 500`, "HttpFailed 500"],
  [`${looking}server returned a non-200 status code: 503`, "HttpFailed 503"],
  [`${machines}request returned non-2xx status: 500`, "HttpFailed 500"],
  [`${machines}request returned non-2xx status: 404`, "HttpFailed 404"],
  // The way there.
  [`${looking}${post}dial tcp 127.0.0.1:9: connect: connection refused`, "Unreachable refused"],
  [`${looking}${post}dial tcp: lookup api.fly.io on 127.0.0.53:53: no such host`, "Unreachable notFound"],
  [`${looking}${post}dial tcp: lookup api.fly.io: no such host`, "Unreachable notFound"],
  [`${looking}${post}dial tcp: lookup api.fly.io on 10.0.0.2:53: server misbehaving`, "Unreachable notFound"],
  [
    `${looking}${post}dial tcp: lookup api.fly.io on [::1]:53: read udp [::1]:4->[::1]:53: read: connection refused`,
    "Unreachable notFound"
  ],
  [`${looking}${post}dial tcp: lookup api.fly.io on 10.0.0.2:53: read udp: i/o timeout`, "Unreachable notFound"],
  [`${looking}${post}dial tcp 77.83.140.26:443: i/o timeout`, "Unreachable timedOut"],
  [`${looking}${post}dial tcp 77.83.140.26:443: connect: connection timed out`, "Unreachable timedOut"],
  [`${looking}${post}net/http: TLS handshake timeout`, "Unreachable timedOut"],
  [`${looking}${post}context deadline exceeded`, "Unreachable timedOut", 126],
  [
    `${lookingLong}${post}context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    "Unreachable timedOut",
    126
  ],
  [
    `${looking}${post}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    "Unreachable certificate"
  ],
  [`${looking}${post}x509: certificate has expired or is not yet valid: current time …`, "Unreachable certificate"],
  [
    `${looking}${post}proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused`,
    "Unreachable proxy"
  ],
  [`${looking}${post}proxyconnect tcp: dial tcp: lookup proxy: no such host`, "Unreachable proxy"],
  [`${looking}${post}Proxy Authentication Required`, "Unreachable proxy"],
  [`${looking}${post}Forbidden`, "Unreachable proxy"],
  [`${looking}${post}Bad Gateway`, "Unreachable proxy"],
  [`${looking}${post}socks connect tcp 127.0.0.1:1080->api.fly.io:443: EOF`, "Unreachable proxy"],
  [
    `${looking}decoding response: invalid character '<' looking for beginning of value`,
    "Unreachable portal"
  ],
  ["Error: failed creating token: invalid character '<' looking for beginning of value", "Unreachable portal"],
  [
    `${machines}failed decoding response: invalid character '<' looking for beginning of value`,
    "Unreachable portal"
  ],
  [`${looking}${post}tls: first record does not look like a TLS handshake`, "Unreachable portal"],
  [`${looking}${post}http: server gave HTTP response to HTTPS client`, "Unreachable portal"],
  [`${looking}${post}dial tcp 77.83.140.26:443: connect: network is unreachable`, "Unreachable network"],
  [`${looking}${post}dial tcp 77.83.140.26:443: connect: no route to host`, "Unreachable network"],
  [`${looking}${post}read tcp 10.0.0.3:5->77.83.140.26:443: read: connection reset by peer`, "Unreachable network"],
  [`${looking}${post}EOF`, "Unreachable network"],
  [`${looking}${post}remote error: tls: handshake failure`, "Unreachable network"],
  [`${looking}${post}what no version has said yet`, "Unreachable network"],
  // flyctl's own files.
  [
    "Error: yaml: line 2: did not find expected key",
    file,
    1,
    "Error loading config While parsing config: yaml: line 2"
  ],
  ["Error: yaml: unmarshal errors:", file],
  ["Error: failed ensuring config directory perms: open /x/.fly/perms.1: read-only file system", unwritable],
  ["Error: failed creating config directory: mkdir /nonexistent: permission denied", unwritable],
  ["Error: failed creating config directory: mkdir /x/.fly: read-only file system", unwritable],
  ["Error: failed ensuring config directory perms: open /x/.fly/perms.1: no space left on device", unwritable],
  ["Error: failed ensuring config directory perms: open /x/.fly/perms.1: permission denied", notOurs],
  ["Error: open /x/.fly/flyctl.config.lock: permission denied", notOurs],
  ["Error: open /x/.fly/config.yml: read-only file system", unwritable],
  ["Error: write /x/.fly/config.yml: no space left on device", unwritable],
  ["Error: open /x/.fly/config.yml: permission denied", notOurs],
  ["", notOurs, 1, "Error loading config open /x/.fly/config.yml: permission denied"],
  ["Error: open C:\\Users\\me\\.fly\\config.yml: Access is denied.", notOurs],
  ["", noHome, 1, "Error accessing home directory $HOME is not defined"],
  ["", noHome, 1, "Error accessing home directory %userprofile% is not defined"],
  ["Error: failed creating config directory: mkdir : no such file or directory", noHome],
  // flyctl itself.
  [
    "Error: invalid argument \"30d\" for \"-x, --expiry\" flag: time: unknown unit \"d\" in duration \"30d\"",
    "InvalidExpiry"
  ],
  ["Error: unknown flag: --json", "OutdatedFlyctl"],
  ["Error: unknown shorthand flag: 'j' in -j", "OutdatedFlyctl"],
  ["Error: unknown command \"readonly\" for \"flyctl tokens create\"", "OutdatedFlyctl"],
  ["Error: context deadline exceeded", "ConfigLocked", 126],
  ["", "Killed", 127],
  ["sh: flyctl: not found", "ExitCode", 127],
  ["panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 1 [running]:", "Panicked", 2],
  ["", "Panicked", 3, "\u001b[31mOops, something went wrong!\u001b[0m\n\ngoroutine 1 [running]:\nError: EOF"],
  ["", "Panicked", 3],
  ["Error: something that nobody knows", "ExitCode", 7],
  ["", "ExitCode", 1]
]

const noises: ReadonlyArray<readonly [name: string, around: (text: string) => string]> = [
  ["alone", (text) => text],
  ["in capitals", (text) => text.toUpperCase()],
  ["in colours", (text) => text.replace(/^Error/, "\u001b[31mError\u001b[0m")],
  ["after a spinner", (text) => `\u001b[?25l\u001b[2K⣾ Asking Fly\r⣽ Asking Fly\u001b[2K\u001b[1G${text}`],
  [
    "between notices",
    (text) =>
      `Warning: Metrics token unavailable: ${post}dial tcp: lookup api.fly.io: no such host\n${text}\r\n` +
      "Update available 0.4.87 -> 0.4.88.\nRun \"flyctl version upgrade\" to upgrade.\n"
  ]
]

describe("what flyctl says when it fails", () => {
  describe.each(noises)("%s", (_name, around) => {
    it.each(said.map(([stderr, reason, exitCode = 1, stdout = ""]) => [stderr, reason, exitCode, stdout] as const))(
      "%s: %s",
      (stderr, reason, exitCode, stdout) => {
        const failure = Failure.failureOf(
          { exitCode, stderr: stderr === "" ? "" : around(stderr), stdout: stdout === "" ? "" : around(stdout) },
          about
        )
        assert.strictEqual(named(failure), reason)
      }
    )
  })

  const failed = (stderr: string, stdout = "") => named(Failure.failureOf({ exitCode: 1, stderr, stdout }, about))

  it("is read for its cause: names that read like one are none", () => {
    for (const name of ["forbidden", "eof", "timeout", "x509", "rate-limit-exceeded", "unauthorized", "panic"]) {
      const prefix = `Error: failed retrieving app ${name}: `
      assert.strictEqual(failed(`${prefix}Could not find App "${name}"`), "AppUnknown my-app")
      assert.strictEqual(failed(`${prefix}something that nobody knows of ${name}`), "ExitCode")
    }
  })

  it("is not looked for in what stands before the error, nor in warnings", () => {
    const error = "Error: something that nobody knows"
    const noise = `DEBUG ${post}connection refused\nCould not find App "other"\n`
    assert.strictEqual(failed(error, noise), "ExitCode")
    assert.strictEqual(failed(noise + error), "ExitCode")
    assert.strictEqual(failed("", noise + error), "ExitCode")
    assert.strictEqual(failed("", noise.trimEnd()), "ExitCode")
    assert.strictEqual(failed(`${error}\nWarning: Metrics token unavailable: ${post}connection refused`), "ExitCode")
  })

  it("is found at either end of very much else", () => {
    const much = "x\n".repeat(1_000_000)
    assert.strictEqual(failed("", `Error accessing home directory $HOME is not defined\n${much}`), noHome)
    assert.strictEqual(failed("", `${much}Oops, something went wrong!\n`), "Panicked")
  })

  it("has the file of which we know where it is, and none if we do not", () => {
    const broken = { exitCode: 1, stderr: "Error: yaml: line 2: oops in /secret/place", stdout: "" }
    assert.deepInclude(Failure.failureOf(broken, { subject: "x", configFile: undefined }), { path: null })
    const windows = { subject: "x", configFile: "C:\\Users\\me\\.fly\\config.yml" }
    const readOnly = { exitCode: 1, stderr: "Error: failed ensuring config directory perms: open x: y", stdout: "" }
    assert.deepInclude(Failure.failureOf(readOnly, windows), { path: "C:\\Users\\me\\.fly" })
  })
})
