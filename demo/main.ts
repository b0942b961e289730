/**
 * The main job on a stand-in for flyctl: real processes and files in a temp home, no account. Ends with an error if
 * anything is not as it says.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { unlink } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { FlyToken, FlyTokens } from "../src/index.ts"
import { FlyTokensNode } from "../src/node.ts"
import * as Sandbox from "../test/support/Sandbox.ts"

const main = fileURLToPath(new URL("../src/command/main.ts", import.meta.url))

const expect = (claim: string, holds: boolean) =>
  holds ? Console.log(`    ✓ ${claim}`) : Effect.die(new Error(`not so: ${claim}`))

const took = (duration: Duration.Duration) => {
  const micros = Number(Duration.toNanosUnsafe(duration)) / 1_000
  return micros < 1_000 ? `${micros.toFixed(0)} µs` : `${(micros / 1_000).toFixed(1)} ms`
}

const step = (title: string) => Console.log(`\n${title}`)

const demo = Effect.gen(function*() {
  const sandbox = yield* Sandbox.make
  yield* Effect.promise(() =>
    sandbox.settings({
      orgs: { acme: 1, globex: 2 },
      apps: { "my-app": "acme", "other-app": "acme", "busy-app": "globex" }
    })
  )
  const layer = FlyTokensNode.layer({ environment: sandbox.environment })
  const mints = Effect.map(Effect.promise(sandbox.mints), (calls) => calls.length)
  yield* Console.log(`A temp home with a stand-in for flyctl: ${sandbox.home}`)

  const minted = yield* Effect.gen(function*() {
    const tokens = yield* FlyTokens

    yield* step("1. The first get of an app: flyctl is asked for the app's organization, then mints a read-only token")
    const [minting, minted] = yield* Effect.timed(tokens.get("my-app"))
    yield* Console.log(`    ${minted.token} from ${minted.source} in ${took(minting)}`)
    yield* expect("it came from flyctl, with one mint", minted.source === "cli" && (yield* mints) === 1)
    yield* expect("it is read-only and for one organization", minted.token.readOnly && minted.token.orgIds.length === 1)
    yield* expect(
      "it is good for 24 hours",
      Math.abs((minted.expiresAt ?? 0) - Date.now() - 86_400_000) < 60_000
    )

    yield* step("2. The same again: from memory")
    yield* tokens.get("my-app")
    const [hit, cached] = yield* Effect.timed(tokens.get("my-app"))
    yield* Console.log(`    ${cached.token} in ${took(hit)}`)
    yield* expect("it is the same token, without a mint", cached.token === minted.token && (yield* mints) === 1)

    yield* step("3. Another app of the same organization: the token is shared")
    const other = yield* tokens.get("other-app")
    yield* expect("it is the same token, without a mint", other.token === minted.token && (yield* mints) === 1)
    return minted
  }).pipe(Effect.provide(layer))

  yield* step("4. Another process, the command: from the store")
  const command = Effect.promise(() =>
    promisify(execFile)(process.execPath, [main, "get", "my-app", "--json"], {
      env: sandbox.environment as NodeJS.ProcessEnv
    })
  )
  const [starting, { stdout }] = yield* Effect.timed(command)
  const printed = JSON.parse(stdout) as { readonly token: string; readonly source: string }
  yield* Console.log(
    `    fly-tokens get my-app --json → ${FlyToken.make(printed.token)} from ${printed.source} in ${took(starting)}`
  )
  yield* expect(
    "it is the same token, without a mint",
    printed.source === "storage" && printed.token === minted.token.value && (yield* mints) === 1
  )

  yield* Effect.gen(function*() {
    const tokens = yield* FlyTokens

    yield* step("5. 1,000 concurrent gets of an app that nobody asked for yet")
    const [herd, resolved] = yield* Effect.timed(
      Effect.forEach(Array.from({ length: 1_000 }), () => tokens.get("busy-app"), { concurrency: "unbounded" })
    )
    yield* Console.log(`    1,000 answers in ${took(herd)}`)
    yield* expect("all have one token", new Set(resolved.map(({ token }) => token.value)).size === 1)
    yield* expect("of one child", (yield* mints) === 2)

    yield* step("6. flyctl is gone: the manual token serves")
    yield* Effect.promise(() => unlink(join(sandbox.bin, "flyctl")))
    yield* tokens.setManual("lost-app", FlyToken.make("fo1_example-of-a-token-set-by-hand"))
    const manual = yield* tokens.get("lost-app")
    yield* Console.log(`    ${manual.token} from ${manual.source}`)
    yield* expect("it is the token that was set", manual.source === "manual")

    yield* step("7. And without any: the reasons, source by source")
    const error = yield* Effect.flip(tokens.get("poor-app"))
    yield* Console.log(error.message.replaceAll(/^/gm, "    "))
    yield* expect(
      "every source says why",
      error._tag === "NoTokenAvailable" &&
        error.attempts.map(({ source }) => source).join() === "env,storage,config,cli,manual"
    )
  }).pipe(Effect.provide(layer))

  yield* Console.log("\nAll as it should be.")
}).pipe(Effect.scoped)

NodeRuntime.runMain(demo)
