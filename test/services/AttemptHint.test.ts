import { assert, describe, it } from "@effect/vitest"
import { hintOf, MissReason, NoTokenAvailable, sourceNames, UnusableToken } from "../../src/index.ts"
import * as samples from "../docs/samples.ts"

const expired = new MissReason.Expired({ expiredAt: 0 })
const undischarged = new MissReason.Undischarged({ locations: [] })
const rejected = new MissReason.Rejected({ fingerprint: "91b59702" })
const malformed = new MissReason.Malformed({ why: "a part of it is cut off" })

describe("the hint of an attempt", () => {
  it("is one line that says something, for each reason in each source", () => {
    for (const reason of samples.reasons) {
      for (const source of sourceNames) assert.match(hintOf({ source, reason }), /^[^\s][^\r\n]{8,200}$/)
    }
  })

  it("is the reason's own where the source makes no difference", () => {
    const reason = new MissReason.NotLoggedIn()
    assert.strictEqual(hintOf({ source: "cli", reason }), reason.hint)
    assert.strictEqual(hintOf({ source: "env", reason: undischarged }), undischarged.hint)
  })

  it("of flyctl's config file asks for nothing that flyctl does by itself", () => {
    for (const reason of [expired, undischarged]) {
      const hint = hintOf({ source: "config", reason })
      assert.match(hint, /^nothing to do.*flyctl renews/)
      assert.notMatch(hint, /copy|clock/)
    }
  })

  it("of a minted token blames no copying: it is the clock, or a sign-on", () => {
    assert.match(hintOf({ source: "cli", reason: expired }), /clock/)
    assert.match(hintOf({ source: "cli", reason: undischarged }), /sign-on/)
    // A get alone has the same answer all day.
    assert.notMatch(hintOf({ source: "cli", reason: undischarged }), /try again|minute/)
    assert.match(hintOf({ source: "cli", reason: undischarged }), /--refresh/)
  })

  it("of what is stored leaves it to the next mint", () => {
    for (const reason of [expired, undischarged, rejected, malformed]) {
      assert.match(hintOf({ source: "storage", reason }), /^nothing to do.*minted/)
    }
  })

  it("of what somebody put there says where a new one goes", () => {
    for (const reason of [expired, rejected]) {
      assert.match(hintOf({ source: "env", reason }), /variable/)
      assert.match(hintOf({ source: "manual", reason }), /fly-tokens set/)
    }
  })

  it("stands in the messages", () => {
    const attempts = [{ source: "config", reason: expired }, { source: "manual", reason: expired }] as const
    const { message } = new NoTokenAvailable({ app: samples.app, attempts })
    for (const attempt of attempts) assert.include(message, `→ ${hintOf(attempt)}`)
    assert.include(new UnusableToken({ app: samples.app, reason: expired }).message, `→ ${hintOf(attempts[1])}`)
  })
})

describe("a hint", () => {
  const unreadable = (why: string) => new MissReason.Unreadable({ path: "/home/me/.fly/config.yml", why }).hint
  const home = (problem: MissReason.HomeUnusable["problem"]) =>
    new MissReason.HomeUnusable({ problem, path: null }).hint

  it("does not ask for a call of flyctl that fails as long as the cause is there", () => {
    assert.match(unreadable("the file is not YAML"), /^mend or remove the file, then/)
    assert.notMatch(unreadable("permission denied"), /fly auth login/)
    for (const problem of ["notWritable", "notPermitted", "noHome"] as const) {
      assert.match(home(problem), /FLY_CONFIG_DIR/)
      assert.notMatch(home(problem), /fly (?:auth|version)/)
    }
    assert.match(home("brokenConfig"), /not even `fly auth login`/)
  })

  it("of too many requests says to wait, of rights not to log in, of an error of Fly's where to look", () => {
    assert.match(new MissReason.RateLimited().hint, /^wait/)
    assert.notMatch(new MissReason.Forbidden().hint, /fly auth login/)
    assert.match(new MissReason.HttpFailed({ status: 503 }).hint, /status\.flyio\.net/)
    assert.notMatch(new MissReason.HttpFailed({ status: 404 }).hint, /try again/)
  })

  it("of a time-out says what may be slow, by the option that was the limit", () => {
    const timedOut = (option: string) => new MissReason.TimedOut({ option, limitMillis: 1 }).hint
    assert.match(timedOut("cliTimeout"), /status\.flyio\.net.*FLY_TOKENS_CLI_TIMEOUT/)
    assert.match(timedOut("storageTimeout"), /store.*FLY_TOKENS_STORAGE_TIMEOUT/)
    assert.match(timedOut("configFileTimeout"), /config file.*FLY_TOKENS_CONFIG_FILE_TIMEOUT/)
    assert.match(timedOut("another"), /^try again/)
  })

  it("of an answer of flyctl that is none does not speak of copying, nor of a token", () => {
    const { hint, message } = new MissReason.Malformed({ why: "flyctl printed something else than a list of apps" })
    assert.strictEqual(message, "flyctl printed something else than a list of apps")
    assert.notMatch(hint, /copy/)
  })
})
