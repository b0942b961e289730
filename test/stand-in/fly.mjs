#!/usr/bin/env node
/**
 * A stand-in for flyctl v0.4.87: what it prints and how it ends, without an account. Used by the tests and by the demo.
 *
 * It reads `stand-in.json` beside the name under which it was called (so a link `bin/flyctl` looks into `bin/`), and
 * appends a line per start and per end to `calls.jsonl` there. Settings:
 *
 * - `mode`: how `tokens create` behaves, see below and `words.mjs`; `modes`: the same by command (`apps`, `status`,
 *   `version`), `all` for each that has no other
 * - `orgs`: slug → number; without it every organization exists
 * - `apps`: app → slug of its organization; without it `apps list` is empty and every app is in `personal`
 * - `login`: `false` if there is no login unless a token or a config file says otherwise
 * - `refuseEnvironmentToken`: a token from the environment may not mint
 * - `wantsRecentLogin`: without a token from the environment, `last_login` of the config file must be of the last 30 days,
 *   as v0.4.87 wants it
 * - `version`: what `version` says, instead of 0.4.87
 * - `delay`: milliseconds before anything is printed
 * - `life`: seconds that a minted token lives, instead of what `--expiry` says
 */
import { spawn } from "node:child_process"
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { env, exit, pid, ppid, stderr, stdout } from "node:process"
import { setTimeout as after } from "node:timers/promises"
import * as home from "./home.mjs"
import { deployToken, orgToken } from "./macaroon.mjs"
import * as words from "./words.mjs"

const place = dirname(process.argv[1] ?? ".")
const args = process.argv.slice(2)
const settingsFile = join(place, "stand-in.json")
const settings = existsSync(settingsFile) ? JSON.parse(readFileSync(settingsFile, "utf8")) : {}

/** @param {Record<string, unknown>} row */
const log = (row) => appendFileSync(join(place, "calls.jsonl"), `${JSON.stringify({ pid, at: Date.now(), ...row })}\n`)

/** @param {number} code */
const end = (code) => {
  log({ event: "end", code })
  exit(code)
}

/** @type {(text: string) => Promise<void>} */
const print = (text) => new Promise((resolve) => stdout.write(text, () => resolve()))

/** @type {(text: string, code: number) => Promise<never>} */
const fail = async (text, code) => {
  await new Promise((resolve) => stderr.write(`${text}\n`, resolve))
  end(code)
  throw new Error("unreachable")
}

/**
 * Flags with a value, by their long name.
 * @type {Record<string, string>}
 */
const valued = {
  "-o": "org",
  "--org": "org",
  "-x": "expiry",
  "--expiry": "expiry",
  "-n": "name",
  "--name": "name",
  "-t": "token",
  "--access-token": "token",
  "-a": "app",
  "--app": "app"
}

/** @type {Record<string, string>} */
const flags = {}
/** @type {Array<string>} */
const positional = []
let json = env["FLY_JSON"] === "1"
for (let i = 0; i < args.length; i++) {
  const arg = args[i] ?? ""
  const name = valued[arg]
  if (name !== undefined) flags[name] = args[++i] ?? ""
  else if (arg === "-j" || arg === "--json") json = true
  else if (arg === "--from-existing") continue
  else if (arg.startsWith("-")) await fail(`Error: unknown flag: ${arg}`, 1)
  else positional.push(arg)
}

const command = positional[0] ?? ""
const wanted = settings.modes?.[command] ?? (command === "tokens" ? settings.mode : undefined) ?? settings.modes?.all ??
  "ok"
// `version` asks nobody.
const mode = command === "version" && words.isAnswer(wanted) ? "ok" : wanted

log({
  event: "start",
  ppid,
  args,
  cwd: process.cwd(),
  mode,
  // Node hands this one on to each child while coverage is measured, whatever environment the child is given.
  env: Object.keys(env).filter((name) => name !== "NODE_V8_COVERAGE").sort(),
  tokenFrom: env["FLY_ACCESS_TOKEN"] ? "environment" : "config"
})

if (mode === "concourse") {
  await fail(
    `error: Unknown command \`${command}'. Please specify one command of: abort-build, builds, check-resource or login`,
    1
  )
}

const { configText = "", ...unusable } = await home.read(mode)
if (unusable.stderr !== undefined) {
  await print(unusable.stdout ?? "")
  await fail(unusable.stderr, 1)
}
const lastLogin = Date.parse(/^last_login: (\S+)/m.exec(configText)?.[1] ?? "")
const hasOwnToken = Boolean(flags["token"] || env["FLY_ACCESS_TOKEN"] || env["FLY_API_TOKEN"])
const recently = Date.now() - lastLogin < 30 * 86_400_000
const loggedIn = (settings.login !== false || hasOwnToken || /^access_token: [^\s"']/m.test(configText)) &&
  (!settings.wantsRecentLogin || hasOwnToken || recently)

/** @type {(text: string) => number} */
const goSeconds = (text) => {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text)
  return match === null ? Number.NaN : Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)
}

const hang = () => new Promise(() => setInterval(() => {}, 60_000))

if (settings.delay !== undefined) await after(settings.delay)

const failure = words.failureIn(mode, {
  command,
  app: flags["app"],
  org: flags["org"] || env["FLY_ORG"] || (positional[2] === "readonly" ? positional[3] : undefined)
})
if (failure !== undefined) await fail(failure, 1)

switch (mode) {
  case "ok":
  case "metrics-warning":
  case "debug-noise":
  case "spinner":
  case "broken-config":
  case "late-exit":
  case "grandchild":
    break
  case "not-logged-in":
    await fail("Error: no access token available. Please login with 'flyctl auth login'", 1)
    break
  case "not-logged-in-old":
    await fail("Error: No access token available. Please login with 'flyctl auth login'", 1)
    break
  case "refused-old":
    await fail(
      "Error: failed creating token: input:3: createLimitedAccessToken Not authorized to access this createlimitedaccesstoken",
      1
    )
    break
  case "http-500":
    await fail("Error: failed creating token: server returned a non-200 status code: 500", 1)
    break
  case "http-401":
    await fail("Error: failed creating token: returned error 401: {\"error\":\"unauthorized\"}", 1)
    break
  case "config-locked":
    await fail("Error: context deadline exceeded", 126)
    break
  case "terminated":
    end(127)
    break
  case "killed":
    process.kill(pid, "SIGKILL")
    await hang()
    break
  case "panic":
    await print("\u001b[31mOops, something went wrong! Could you try that again?\u001b[0m\n\ngoroutine 1 [running]:\n")
    end(3)
    break
  case "panic-old":
    await fail(
      "panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 1 [running]:\nmain.main()",
      3
    )
    break
  case "exit-7":
    await fail("Error: something that nobody knows, with a secret fm2_c2VjcmV0c2VjcmV0", 7)
    break
  case "old":
    if (json) await fail("Error: unknown flag: --json", 1)
    await print("Create Fly.io API tokens\n\nUsage:\n  fly tokens create [command]\n")
    end(0)
    break
  case "hang":
    await hang()
    break
  case "stubborn":
    // As flyctl: the first SIGTERM is caught, further ones are swallowed.
    process.on("SIGTERM", () => log({ event: "sigterm" }))
    await hang()
    break
  case "endless":
    for (;;) await print("x".repeat(16_384))
  case "endless-stderr":
    for (;;) await new Promise((resolve) => stderr.write("x".repeat(16_384), () => resolve(undefined)))
  case "silent":
    end(0)
    break
  case "rubbish":
    await print("<!doctype html><title>502 Bad Gateway</title>\n")
    end(0)
    break
  case "rubbish-error":
    await print("Error: everything is broken\n")
    end(0)
    break
  case "rubbish-lines":
    await print("tok\r\nX-Evil: 1\n")
    end(0)
    break
  case "rubbish-nul":
    await print("{\"token\": \"fm2_\\u0000\\r\\nX-Evil: 1\"}\n")
    end(0)
    break
  case "rubbish-json":
    await print("{\n    \"token\": \"abc\"\n}\n")
    end(0)
    break
  case "truncated":
    await print(`{\n    "token": "${orgToken({ now: Date.now(), life: 3600 }).slice(0, -17)}"\n}\n`)
    end(0)
    break
  case "expired":
    await print(`{\n    "token": "${orgToken({ now: Date.now() - 7_200_000, life: 3600 })}"\n}\n`)
    end(0)
    break
  default:
    await fail(`Error: the stand-in has no mode ${mode}`, 1)
}

/**
 * An answer, with what may be printed around it.
 * @type {(json: unknown) => Promise<void>}
 */
const answer = async (json) => {
  if (mode === "debug-noise") await print("\u001b[36mDEBUG\u001b[0m {request} --> POST https://api.fly.io/graphql\n")
  if (mode === "spinner") await print("\u001b[?25l⣾ Asking Fly\r⣽ Asking Fly\u001b[2K\r\u001b[?25h")
  await print(`${JSON.stringify(json, null, 4)}\n`)
  if (mode === "debug-noise") await print("\u001b[36mDEBUG\u001b[0m {metrics} [done]\n")
  if (mode === "spinner") await print("Update available 0.4.87 -> 0.4.88.\n\u001b[0m")
}

const orgExists = (/** @type {string} */ slug) => settings.orgs === undefined || Object.hasOwn(settings.orgs, slug)

switch (command) {
  case "version":
    // The name is that of its file.
    await print(`${JSON.stringify({ Name: basename(process.argv[1] ?? ""), Version: settings.version ?? "0.4.87" })}\n`)
    break
  case "apps": {
    if (!loggedIn) await fail("Error: no access token available. Please login with 'flyctl auth login'", 1)
    const rows = Object.entries(settings.apps ?? {}).map(([Name, Slug]) => ({ Name, Organization: { Slug } }))
    await answer(rows)
    break
  }
  case "status": {
    if (!loggedIn) await fail("Error: no access token available. Please login with 'flyctl auth login'", 1)
    const app = flags["app"] ?? ""
    const slug = settings.apps === undefined ? "personal" : settings.apps[app]
    if (slug === undefined) await fail(words.unknownApp(app), 1)
    await answer({ Name: app, Organization: { Slug: slug } })
    break
  }
  case "tokens": {
    const [, verb, kind] = positional
    if (verb !== "create" || (kind !== "readonly" && kind !== "deploy")) {
      await fail(`Error: unknown command "${kind}"`, 1)
    }
    const life = goSeconds(flags["expiry"] ?? "175200h0m0s")
    if (Number.isNaN(life)) {
      await fail(
        `Error: invalid argument "${flags["expiry"]}" for "-x, --expiry" flag: time: unknown unit in duration "${
          flags["expiry"]
        }"`,
        1
      )
    }
    if (!loggedIn) await fail("Error: no access token available. Please login with 'flyctl auth login'", 1)
    const app = flags["app"] ?? ""
    if (kind === "deploy" && settings.apps !== undefined && !Object.hasOwn(settings.apps, app)) {
      await fail(words.unknownApp(app), 1)
    }
    const org = kind === "deploy" ? settings.apps?.[app] ?? "personal" : flags["org"] || env["FLY_ORG"] || positional[3]
    if (!org) {
      await fail("Error: failed retrieving org slug argument must be specified when not running interactively", 1)
    }
    if (!orgExists(org ?? "")) {
      await fail(words.unknownOrg(org ?? ""), 1)
    }
    if (settings.refuseEnvironmentToken && env["FLY_ACCESS_TOKEN"]) {
      await fail(
        "Error: failed creating token: input:3: createLimitedAccessToken Not authorized to access this createlimitedaccesstoken",
        1
      )
    }
    const minted = { now: Date.now(), life: settings.life ?? life, org: settings.orgs?.[org ?? ""] ?? 4721 }
    const token = kind === "deploy" ? deployToken(minted) : orgToken(minted)
    if (mode === "metrics-warning") stderr.write("Warning: Metrics token unavailable: context canceled\n")
    if (mode === "broken-config") {
      await print("Error loading config While parsing config: yaml: line 3: did not find key\n")
    }
    await (json ? answer({ token }) : print(`${token}\n`))
    if (mode === "late-exit") await after(5_000)
    if (mode === "grandchild") {
      const grandchild = spawn("sleep", ["30"], { stdio: ["ignore", "inherit", "inherit"] })
      log({ event: "grandchild", grandchild: grandchild.pid })
      grandchild.unref()
    }
    break
  }
  default:
    await fail(`Error: unknown command "${command}" for "flyctl"`, 1)
}
end(0)
