/**
 * `explain` and `doctor` as a user runs them: each cause is named with its remedy, nothing is minted, written or told.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { dirname, join } from "node:path"
import * as mac from "../stand-in/macaroon.mjs"
import { type Ended, runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

/** Each test starts several processes. */
const slow = 60_000

const day = 86_400_000
const hour = 3_600_000
const ago = (millis: number) => new Date(Date.now() - millis).toISOString()

/** A home where nothing is amiss: a recent login, one app, and nobody who says what time it is. */
const healthy = Effect.gen(function*() {
  const sandbox = yield* Sandbox.make
  // Nothing listens on this port.
  sandbox.environment["FLY_FLAPS_BASE_URL"] = "http://127.0.0.1:9"
  yield* Effect.promise(async () => {
    await sandbox.settings({ apps: { "my-app": "acme" }, wantsRecentLogin: true })
    await config(sandbox, "fo1_loginsecret", ago(3 * day))
  })
  return sandbox
})

const config = async (sandbox: Sandbox.Sandbox, token: string, lastLogin: string | undefined) => {
  await sandbox.writeConfig(
    `access_token: ${token}\n${lastLogin === undefined ? "" : `last_login: ${lastLogin}\n`}`
  )
  await chmod(join(sandbox.home, ".fly", "config.yml"), 0o600)
}

const record = (token: string, savedAt = Date.now()) =>
  JSON.stringify({ version: 1, token, expiresAt: null, source: "cli", savedAt })

const store = async (sandbox: Sandbox.Sandbox, key: string, name: string, text: string) => {
  await mkdir(join(sandbox.store, key), { recursive: true, mode: 0o700 })
  await writeFile(join(sandbox.store, key, `${name}.json`), text, { mode: 0o600 })
}

/** Files, modes and contents of the home, to see that nothing changes. */
const snapshot = async (sandbox: Sandbox.Sandbox) => {
  const names = (await readdir(sandbox.home, { recursive: true })).sort()
  return Promise.all(names.map(async (name) => {
    const path = join(sandbox.home, name)
    const info = await stat(path)
    return [name, info.mode, info.mtimeMs, info.isFile() ? await readFile(path, "utf8") : ""]
  }))
}

/** A server that says what time it is; `undefined`: it takes requests and never answers. */
const server = (date: (() => string) | undefined) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ readonly url: string; readonly requests: Array<string>; readonly close: () => void }>((resolve) => {
        const requests: Array<string> = []
        const http = createServer((request, response) => {
          requests.push(`${request.method} ${JSON.stringify(request.headers)}`)
          if (date === undefined) return
          response.sendDate = false
          response.writeHead(404, { date: date() }).end()
        })
        http.listen(0, "127.0.0.1", () => {
          const { port } = http.address() as AddressInfo
          const close = () => {
            http.closeAllConnections()
            http.close()
          }
          resolve({ url: `http://127.0.0.1:${port}`, requests, close })
        })
      })
    ),
    ({ close }) => Effect.sync(close)
  )

const secrets = /(fm2|fo1)_[A-Za-z0-9+/]/

/** Runs a call that may not change anything, start a mint or tell a secret. */
const look = Effect.fnUntraced(function*(sandbox: Sandbox.Sandbox, args: ReadonlyArray<string>) {
  const before = yield* Effect.promise(() => snapshot(sandbox))
  const ended: Ended = yield* runInProcess(sandbox, args)
  expect(ended.stdout + ended.stderr).not.toMatch(secrets)
  expect(ended.stdout).not.toContain("\u001b")
  expect(ended.stderr).toBe("")
  expect(yield* Effect.promise(() => snapshot(sandbox))).toEqual(before)
  expect(yield* Effect.promise(sandbox.mints)).toEqual([])
  return ended
})

interface Case {
  readonly name: string
  readonly prepare: (sandbox: Sandbox.Sandbox) => Promise<void>
  readonly explain: ReadonlyArray<RegExp | string>
  readonly doctor: ReadonlyArray<RegExp | string>
  /** Whether the doctor calls it a problem. */
  readonly problem: boolean
}

const now = () => Date.now()
const expired = () => mac.orgToken({ now: now() - 2 * hour, life: 600, scheme: false })
const undischarged = () => mac.orgToken({ now: now(), life: 600, scheme: false, discharged: false })
/** A login whose discharge flyctl fetches when it runs. */
const undischargedLogin = mac.piece({
  caveats: [mac.organization(4721, mac.maskAll), mac.thirdParty(new Uint8Array(40), "https://auth.fly.io")]
})
const orgToken = () => mac.orgToken({ now: now(), life: 3600, scheme: false, readOnly: false })

const cases: ReadonlyArray<Case> = [
  {
    name: "no flyctl",
    prepare: (sandbox) => rm(join(sandbox.bin, "flyctl")),
    explain: [
      /cli +miss .*no flyctl found \(looked at: flyctl and fly on PATH/,
      /→ install flyctl .*FLY_TOKENS_BINARY/
    ],
    doctor: [/✗ problem +binary +no flyctl found/, /→ install flyctl .*FLY_TOKENS_BINARY/],
    problem: true
  },
  {
    name: "not logged in",
    prepare: async (sandbox) => {
      await sandbox.settings({ login: false })
      await rm(join(sandbox.home, ".fly"), { recursive: true })
    },
    explain: [/cli +miss .*flyctl is not logged in/, "→ run `fly auth login`"],
    doctor: [/✗ problem +login +flyctl is not logged in/, "→ run `fly auth login`"],
    problem: true
  },
  {
    name: "logged out",
    prepare: async (sandbox) => {
      await sandbox.settings({ login: false })
      await config(sandbox, "\"\"", ago(day))
    },
    explain: [/cli +miss .*flyctl is not logged in/, "no access_token in", "→ run `fly auth login`"],
    doctor: [/✗ problem +login +flyctl is not logged in: no access_token in/, "→ run `fly auth login`"],
    problem: true
  },
  {
    name: "a login older than 30 days",
    prepare: (sandbox) => config(sandbox, "fo1_loginsecret", ago(45 * day)),
    explain: [/cli +miss /, /the last login \(\d{4}-\d\d-\d\d\) is 45 days old/, "→ run `fly auth login`"],
    doctor: [/✗ problem +login +the last login \(\d{4}-\d\d-\d\d\) is 45 days old/, "→ run `fly auth login`"],
    problem: true
  },
  {
    name: "a login of an unknown time",
    prepare: (sandbox) => config(sandbox, "fo1_loginsecret", undefined),
    explain: [/cli +miss /, "does not say when the last login was", "→ run `fly auth login`"],
    doctor: [/✗ problem +login +.*does not say when the last login was/, "→ run `fly auth login`"],
    problem: true
  },
  {
    name: "an expired bundle in the environment",
    prepare: async (sandbox) => {
      sandbox.environment["FLY_API_TOKEN"] = expired()
    },
    explain: [
      /env +miss +token [0-9a-f]{8} .*FLY_API_TOKEN .*expired at 20/,
      "→ put a new token into the variable, or unset it"
    ],
    doctor: [/! warning +environment +the token of FLY_API_TOKEN: expired at 20/, "→ unset FLY_API_TOKEN, or put"],
    problem: false
  },
  {
    name: "an expired bundle in config.yml",
    prepare: (sandbox) => config(sandbox, expired(), ago(day)),
    explain: [
      /config +miss +token [0-9a-f]{8} .*expired at 20/,
      "→ nothing to do, if `cli` gives a token: flyctl renews"
    ],
    doctor: [
      /· note +config file +the token in .*config.yml: expired at 20/,
      "→ nothing to do, if `cli` gives a token: flyctl renews"
    ],
    // As the stand-in makes it, it is no login.
    problem: true
  },
  {
    name: "an undischarged bundle in the environment",
    prepare: async (sandbox) => {
      sandbox.environment["FLY_ACCESS_TOKEN"] = undischarged()
    },
    explain: [
      /env +miss +token [0-9a-f]{8} .*FLY_ACCESS_TOKEN .*lacks the discharge of https:\/\/api.fly.io\/aaa\/v1/,
      "→ copy the whole token"
    ],
    doctor: [
      /! warning +environment +the token of FLY_ACCESS_TOKEN: lacks the discharge of https/,
      "→ unset FLY_ACCESS_TOKEN, or put a new token there"
    ],
    problem: false
  },
  {
    name: "an undischarged manual token",
    prepare: (sandbox) => store(sandbox, "manual", "my-app", record(undischarged())),
    explain: [/manual +miss +token [0-9a-f]{8} .*lacks the discharge of https/, "→ copy the whole token"],
    doctor: [
      /! warning +records +the manual token of my-app: lacks the discharge of https/,
      "→ `fly-tokens set my-app` with a new one, or `fly-tokens unset my-app`"
    ],
    problem: false
  },
  {
    name: "an unknown organization",
    prepare: async (sandbox) => {
      await sandbox.settings({ apps: { "other-app": "acme" } })
      sandbox.environment["FLY_TOKENS_ORG"] = "nowhere"
    },
    explain: ["✗ problem no organization found for nowhere", /→ set option `org` \(FLY_TOKENS_ORG\) to the slug/],
    doctor: [/✗ problem +organization +no organization found for nowhere/, /→ set option `org` \(FLY_TOKENS_ORG\) to/],
    problem: true
  },
  {
    name: "another organization than the app's",
    prepare: async (sandbox) => {
      await sandbox.settings({ apps: { "my-app": "acme", "other-app": "globex" } })
      sandbox.environment["FLY_TOKENS_ORG"] = "globex"
    },
    explain: ["flyctl says that my-app is in organization acme", "→ set option `org` (FLY_TOKENS_ORG) to acme"],
    doctor: ["flyctl says that my-app is in organization acme", "→ set option `org` (FLY_TOKENS_ORG) to acme"],
    problem: true
  },
  {
    name: "an app that flyctl does not find",
    prepare: (sandbox) => sandbox.settings({ apps: { "other-app": "acme" } }),
    explain: [/cli +miss .*Fly knows no app my-app that this login may see/, "→ check the app's name"],
    doctor: [/✗ problem +organization +Fly knows no app my-app/, "→ check the app's name"],
    problem: true
  },
  {
    name: "a token in config.yml that may not mint",
    prepare: (sandbox) => config(sandbox, orgToken(), ago(day)),
    explain: [
      /cli +miss .*flyctl's token may not create tokens/,
      /the token in .*config.yml may not create tokens: it is limited to one organization/,
      "→ only a login may (`fly auth login`)"
    ],
    doctor: [
      /✗ problem +login +the token in .*config.yml may not create tokens: it is limited to one organization/,
      "→ run `fly auth login`"
    ],
    problem: true
  },
  {
    name: "a token in the environment that may not mint",
    prepare: async (sandbox) => {
      sandbox.environment["FLY_API_TOKEN"] = mac.deployToken({ now: now(), life: 3600 })
    },
    explain: [
      "the token of FLY_API_TOKEN may not create tokens: it is limited to one organization, one app",
      /→ run `fly auth login`.*; or unset FLY_API_TOKEN/
    ],
    doctor: [
      /! warning +environment +the token of FLY_API_TOKEN may not create tokens: it is limited to one organization, one app/,
      /→ run `fly auth login`.*; or unset FLY_API_TOKEN/
    ],
    problem: false
  },
  {
    name: "a store that is no directory",
    prepare: async (sandbox) => {
      await mkdir(dirname(sandbox.store), { recursive: true })
      await writeFile(sandbox.store, "a file")
    },
    explain: [/storage +miss .*it is not a directory/, /manual +miss .*it is not a directory/, "→ check the store"],
    doctor: [/✗ problem +store +.*it is not a directory/, "→ mend the directory, or set FLY_TOKENS_DIR"],
    problem: true
  },
  {
    name: "a store that others can write to",
    prepare: async (sandbox) => {
      await mkdir(sandbox.store, { recursive: true })
      await chmod(sandbox.store, 0o777)
    },
    explain: [/storage +miss .*other users can write to it; take that right away \(chmod go-w\)/, "→ check the store"],
    doctor: [/✗ problem +store +.*other users can write to it/, "→ chmod 0700 the directory"],
    problem: true
  },
  {
    name: "a corrupt manual record",
    prepare: (sandbox) => store(sandbox, "manual", "my-app", "{\"version\":1,\"tok"),
    explain: [/manual +miss .*my-app.json: the record of the manual token is corrupt; .*remove it yourself/],
    doctor: [
      /✗ problem +records +.*my-app.json: the record of the manual token is corrupt/,
      "→ look at the file, remove it"
    ],
    problem: true
  },
  {
    name: "a corrupt cached record, which stays where it is",
    prepare: (sandbox) => store(sandbox, "cached", "my-app", "not JSON"),
    explain: [/storage +miss .*my-app.json: the record is corrupt; whoever needs it next sets it aside/],
    doctor: [
      /! warning +records +.*my-app.json: the record is corrupt/,
      "→ nothing to do: a new token takes its place"
    ],
    problem: false
  },
  {
    name: "a clock that was set back",
    prepare: (sandbox) => store(sandbox, "cached", "my-app", record("fo1_stored", now() + 2 * hour)),
    explain: [/✗ problem the clock may be wrong: the token of storage was stored in 1 h/, "→ set the clock"],
    doctor: [
      /✗ problem +clock +the clock may be wrong: the cached record of my-app was stored in 1 h/,
      "→ set the clock"
    ],
    problem: true
  },
  {
    name: "a login of the future",
    prepare: (sandbox) => config(sandbox, "fo1_loginsecret", ago(-3 * day)),
    explain: [/✗ problem the clock may be wrong: flyctl's last login was in 2 d/, "→ set the clock"],
    doctor: [/✗ problem +clock +the clock may be wrong: flyctl's last login was in 2 d/, "→ set the clock"],
    problem: true
  },
  {
    name: "FLY_ACCESS_TOKEN set but empty",
    prepare: async (sandbox) => {
      Object.assign(sandbox.environment, { FLY_ACCESS_TOKEN: "", FLY_API_TOKEN: "fo1_envsecret" })
    },
    explain: [/! warning FLY_ACCESS_TOKEN is set but empty: .*FLY_API_TOKEN/, "→ unset FLY_ACCESS_TOKEN"],
    doctor: [/! warning +environment +FLY_ACCESS_TOKEN is set but empty: .*FLY_API_TOKEN/, "→ unset FLY_ACCESS_TOKEN"],
    problem: false
  }
]

const tells = (text: string, expected: ReadonlyArray<RegExp | string>) => {
  for (const each of expected) {
    if (typeof each === "string") expect(text).toContain(each)
    else expect(text).toMatch(each)
  }
}

describe("the cause and the remedy", () => {
  it.live.each([...cases])("explain: $name", ({ explain, prepare }) =>
    Effect.gen(function*() {
      const sandbox = yield* healthy
      yield* Effect.promise(() => prepare(sandbox))
      const { code, stdout } = yield* look(sandbox, ["explain", "my-app"])
      expect(code).toBe(0)
      tells(stdout, explain)
    }), slow)

  it.live.each([...cases])("doctor: $name", ({ doctor, prepare, problem }) =>
    Effect.gen(function*() {
      const sandbox = yield* healthy
      yield* Effect.promise(() => prepare(sandbox))
      const { code, stdout } = yield* look(sandbox, ["doctor", "my-app"])
      tells(stdout, doctor)
      expect(code).toBe(problem ? 1 : 0)
    }), slow)

  it.live.each([-2 * hour, 2 * hour])("both: a clock that is %d ms off", (offset) =>
    Effect.gen(function*() {
      const { requests, url } = yield* server(() => new Date(Date.now() - offset).toUTCString())
      const sandbox = yield* healthy
      Object.assign(sandbox.environment, { FLY_FLAPS_BASE_URL: url, FLY_API_TOKEN: "fo1_envsecret" })
      const cause = new RegExp(`✗ problem .*the clock is [12] h ${offset > 0 ? "ahead of" : "behind"} .*127.0.0.1`)
      const explain = yield* look(sandbox, ["explain", "my-app"])
      tells(explain.stdout, [cause, "→ set the clock"])
      const doctor = yield* look(sandbox, ["doctor"])
      tells(doctor.stdout, [cause, "→ set the clock"])
      expect([explain.code, doctor.code]).toEqual([0, 1])
      expect(requests).toHaveLength(2)
      expect(requests.join("\n")).not.toMatch(/authorization|fo1_|FlyV1/i)
    }), slow)
})

describe("explain", () => {
  it.live(
    "asks every source in the order of the chain and marks the one that a get takes",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* healthy
        Object.assign(sandbox.environment, {
          FLY_API_TOKEN: "fo1_envsecret",
          FLY_TOKENS_CHAIN: "manual,cli,storage,env"
        })
        yield* Effect.promise(() => store(sandbox, "cached", "my-app", record("fo1_storedsecret")))
        const states = Effect.fnUntraced(function*() {
          const { stdout } = yield* look(sandbox, ["explain", "my-app", "--json"])
          const { app, sources, taken } = JSON.parse(stdout)
          expect(app).toBe("my-app")
          return [taken, ...sources.map(({ source, state }: Record<string, string>) => `${source} ${state}`)]
        })
        expect(yield* states()).toEqual(["cli", "manual miss", "cli mint", "storage usable", "env usable"])
        yield* Effect.promise(() => store(sandbox, "org", "acme", record("fo1_orgsecret")))
        expect(yield* states()).toEqual(["cli", "manual miss", "cli used", "storage usable", "env usable"])
        yield* Effect.promise(() => store(sandbox, "manual", "my-app", record("fo1_manualsecret")))
        expect(yield* states()).toEqual(["manual", "manual used", "cli usable", "storage usable", "env usable"])
        sandbox.environment["FLY_TOKENS_CHAIN"] = "env"
        expect(yield* states()).toEqual(["env", "env used"])
      }),
    slow
  )

  it.live(
    "of a mint for the app alone names no organization, and finds an app that flyctl does not see",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* healthy
        Object.assign(sandbox.environment, { FLY_TOKENS_MINT_FOR: "app", FLY_TOKENS_CHAIN: "cli" })
        const { stdout } = yield* look(sandbox, ["explain", "my-app"])
        expect(stdout).toContain("nothing yet for this app")
        expect(stdout).toContain("would mint a read-only token (not tried)")
        expect(stdout).not.toContain("organization")
        const unseen = JSON.parse((yield* look(sandbox, ["explain", "no-such-app", "--json"])).stdout)
        expect([unseen.taken, unseen.sources[0].reason]).toEqual([null, "AppUnknown"])
      }),
    slow
  )

  it.live("says what the get after it does", () =>
    Effect.gen(function*() {
      const prepared: ReadonlyArray<(sandbox: Sandbox.Sandbox) => Promise<void>> = [
        async () => {},
        async (sandbox) => {
          sandbox.environment["FLY_API_TOKEN"] = expired()
        },
        async (sandbox) => {
          sandbox.environment["FLY_TOKENS_MINT_FOR"] = "app"
        },
        async (sandbox) => {
          sandbox.environment["FLY_TOKENS_MINT_FOR"] = "app"
          await sandbox.settings({ login: false })
          await rm(join(sandbox.home, ".fly"), { recursive: true })
        },
        (sandbox) => config(sandbox, undischargedLogin, ago(day)),
        (sandbox) => sandbox.settings({ modes: { apps: "not-authenticated", status: "not-authenticated" } }),
        (sandbox) => store(sandbox, "cached", "my-app", record(expired())),
        async (sandbox) => {
          await sandbox.settings({ login: false })
          await rm(join(sandbox.home, ".fly"), { recursive: true })
          await writeFile(join(sandbox.home, ".fly"), "a file")
        }
      ]
      for (const prepare of prepared) {
        const sandbox = yield* healthy
        sandbox.environment["FLY_TOKENS_CHAIN"] = "env,storage,cli,config,manual"
        yield* Effect.promise(() => prepare(sandbox))
        const explained = JSON.parse((yield* look(sandbox, ["explain", "my-app", "--json"])).stdout)
        const got = yield* runInProcess(sandbox, ["get", "my-app", "--json"])
        if (got.code === 0) expect(JSON.parse(got.stdout).source).toBe(explained.taken)
        else {
          expect(explained.taken).toBe(null)
          const reasons = explained.sources.map((row: Record<string, string>) => [row["source"], row["reason"]])
          expect(
            JSON.parse(got.stderr).attempts.map((attempt: Record<string, string>) => [
              attempt["source"],
              attempt["reason"]
            ])
          ).toEqual(reasons)
        }
      }
    }), slow)

  it.live("changes no record: one that is corrupt or open to others stays as it is", () =>
    Effect.gen(function*() {
      const sandbox = yield* healthy
      yield* Effect.promise(async () => {
        await store(sandbox, "cached", "my-app", record("fo1_storedsecret"))
        await chmod(join(sandbox.store, "cached", "my-app.json"), 0o644)
        await store(sandbox, "org", "acme", "rubbish")
      })
      const { code, stdout } = yield* look(sandbox, ["explain", "my-app"])
      expect([code, stdout.split("\n")[0]]).toEqual([0, "a get of my-app would take the token of storage"])
    }), slow)

  it.live("names a program that was passed over", () =>
    Effect.gen(function*() {
      const sandbox = yield* healthy
      const other = join(sandbox.home, "concourse")
      yield* Effect.promise(async () => {
        await rm(join(sandbox.bin, "flyctl"))
        await sandbox.install("fly", other)
        await writeFile(join(other, "stand-in.json"), JSON.stringify({ modes: { all: "concourse" } }))
        await sandbox.install("fly", join(sandbox.home, ".fly", "bin"))
        sandbox.environment["PATH"] = `${other}:${sandbox.environment["PATH"]}`
      })
      for (const args of [["explain", "my-app"], ["doctor"]]) {
        const { code, stdout } = yield* runInProcess(sandbox, args)
        expect(code).toBe(0)
        expect(stdout).toContain(`passed over: ${join(other, "fly")} (not Fly.io's flyctl`)
      }
    }), slow)

  it.live("takes no other name than an app's, and no bad option", () =>
    Effect.gen(function*() {
      const sandbox = yield* healthy
      for (const args of [["explain"], ["explain", "../x"], ["explain", "fo1_secret"], ["doctor", "fo1_secret"]]) {
        const { code, stderr, stdout } = yield* runInProcess(sandbox, args)
        expect([code, stdout]).toEqual([2, ""])
        expect(stderr).not.toMatch(secrets)
      }
      sandbox.environment["FLY_TOKENS_TTL"] = "soon"
      expect((yield* runInProcess(sandbox, ["explain", "my-app"])).code).toBe(2)
      expect(yield* Effect.promise(sandbox.calls)).toEqual([])
    }), slow)
})

describe("doctor", () => {
  it.live("finds nothing where nothing is amiss", () =>
    Effect.gen(function*() {
      const { url } = yield* server(() => new Date().toUTCString())
      const sandbox = yield* healthy
      sandbox.environment["FLY_FLAPS_BASE_URL"] = url
      const { code, stdout } = yield* look(sandbox, ["doctor", "my-app", "--json"])
      expect(code).toBe(0)
      const { findings, problems, warnings } = JSON.parse(stdout)
      expect([problems, warnings]).toEqual([0, 0])
      expect(findings.map(({ check, level }: Record<string, string>) => `${check} ${level}`)).toEqual([
        "options ok",
        "environment ok",
        "binary ok",
        "version ok",
        "config file ok",
        "login ok",
        "organization ok",
        "Fly's API ok",
        "store ok",
        "records ok",
        "clock ok"
      ])
    }), slow)

  it.live("goes on with an option that is not valid", () =>
    Effect.gen(function*() {
      const sandbox = yield* healthy
      sandbox.environment["FLY_TOKENS_TTL"] = "soon"
      const { code, stdout } = yield* look(sandbox, ["doctor"])
      expect(code).toBe(1)
      expect(stdout).toMatch(/✗ problem +options +option `ttl` \(FLY_TOKENS_TTL\) is not valid: expected a duration/)
      expect(stdout).toContain("→ correct or unset the variable")
      expect(stdout).toContain("1 problem, 1 warning")
    }), slow)

  it.live(
    "what only flyctl needs is a warning while the environment has a token, and nothing without flyctl",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* healthy
        sandbox.environment["FLY_API_TOKEN"] = "fo1_envsecret"
        yield* Effect.promise(() => rm(join(sandbox.bin, "flyctl")))
        const warned = yield* look(sandbox, ["doctor"])
        expect(warned.code).toBe(0)
        expect(warned.stdout).toMatch(/! warning +binary +no flyctl found/)
        sandbox.environment["FLY_TOKENS_CHAIN"] = "env,storage"
        const unused = yield* look(sandbox, ["doctor"])
        expect(unused.stdout).toMatch(/- skipped +binary +the option `chain` leaves flyctl out/)
      }),
    slow
  )

  it.live("--offline asks nobody", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* server(() => new Date(0).toUTCString())
      const sandbox = yield* healthy
      sandbox.environment["FLY_FLAPS_BASE_URL"] = url
      const { code, stdout } = yield* look(sandbox, ["doctor", "my-app", "--offline"])
      expect([code, requests]).toEqual([0, []])
      expect(stdout).toMatch(/- skipped +organization +not checked, by --offline/)
      expect(stdout).toMatch(/- skipped +clock +not checked, by --offline/)
      const asked = (yield* Effect.promise(sandbox.calls)).filter(({ event }) => event === "start")
      expect(asked.map(({ args }) => args)).toEqual([["version", "--json"]])
    }), slow)

  it.live("a server that never answers and a flyctl that hangs hold up no other check", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* server(undefined)
      const sandbox = yield* healthy
      Object.assign(sandbox.environment, { FLY_FLAPS_BASE_URL: url, FLY_TOKENS_CLI_TIMEOUT: "1 second" })
      yield* Effect.promise(() => sandbox.settings({ modes: { apps: "hang", version: "hang" } }))
      const { code, stdout } = yield* look(sandbox, ["doctor"])
      expect([code, requests.length]).toEqual([1, 1])
      expect(stdout).toMatch(/✗ problem +organization +no answer within 2 s/)
      expect(stdout).toMatch(/! warning +version +.* does not say its version/)
      expect(stdout).toMatch(/- skipped +clock +not compared/)
      expect(stdout).toMatch(/! warning +Fly's API +Fly's API cannot be reached: there was no answer in time \(127/)
      expect(stdout).toMatch(/✓ ok +store /)
    }), slow)

  it.live("notes files of flyctl that others can read", () =>
    Effect.gen(function*() {
      const sandbox = yield* healthy
      const fly = join(sandbox.home, ".fly")
      yield* Effect.promise(async () => {
        await chmod(fly, 0o755)
        await chmod(join(fly, "config.yml"), 0o644)
        await mkdir(join(fly, "logs"))
        await chmod(join(fly, "logs"), 0o755)
      })
      const { code, stdout } = yield* look(sandbox, ["doctor"])
      expect(code).toBe(0)
      expect(stdout).toMatch(/! warning +config file +.* \(mode 644\): other users can read the login in it/)
      expect(stdout).toContain(`→ chmod 600 ${join(fly, "config.yml")}`)
      expect(stdout).toMatch(/· note +config file +.*logs: other users can read flyctl's logs/)
    }), slow)
})
