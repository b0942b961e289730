/**
 * The guide to errors is complete, and quotes what the code says.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import * as Portions from "../../src/concurrency/Portions.ts"
import * as http from "../../src/http.ts"
import * as main from "../../src/index.ts"
import { AppName, FlyToken, FlyTokens, type MissReason, NoTokenAvailable, StorageError } from "../../src/index.ts"
import * as ConfigFileText from "../../src/layers/fly/ConfigFileText.ts"
import * as Output from "../../src/layers/fly/FlyCliOutput.ts"
import { FlyTokensNode } from "../../src/node.ts"
import * as mac from "../stand-in/macaroon.mjs"
import * as Sandbox from "../support/Sandbox.ts"
import * as samples from "./samples.ts"

const guide = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8")

/** The text under a heading, up to the next one. */
const section = (title: string): string => {
  const [, text] = guide.split(`\n### \`${title}\`\n`)
  assert.isDefined(text, `docs/errors.md has no section "### \`${title}\`"`)
  return text!.split(/\n##/)[0]!
}

const quotes = (title: string): ReadonlyArray<string> =>
  [...section(title).matchAll(/```text\n([\s\S]*?)\n```/g)].map((match) => match[1]!)

/** What stands in code style in the first column of a section's table. */
const rows = (title: string): ReadonlyArray<string> =>
  [...section(title).matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1]!)

const tagsOf = (values: ReadonlyArray<{ readonly _tag: string }>) => values.map(({ _tag }) => _tag)

/** The tags of the error classes among the exports of a module. */
const errorsIn = (module: object): ReadonlyArray<string> =>
  Object.values(module).flatMap((value: unknown) =>
    typeof value === "function" && value.prototype instanceof Error && "identifier" in value
      ? [String(value.identifier)]
      : []
  )

describe("docs/errors.md", () => {
  const reasonTags = main.MissReason.MissReason.members.map((member) => member.identifier)

  it("has a sample of each reason and each error that the package exports", () => {
    assert.sameMembers([...tagsOf(samples.reasons)], [...reasonTags])
    assert.sameMembers([...tagsOf(samples.errors)], [...errorsIn(main), ...errorsIn(http)])
    assert.sameMembers([...tagsOf(samples.reasons)], [...errorsIn(main.MissReason)])
  })

  it.each([...samples.reasons, ...samples.errors].map((sample) => [sample._tag, sample] as const))(
    "quotes %s as it is",
    (tag, sample) => {
      assert.include(quotes(tag), samples.quoted(sample))
    }
  )

  it("has no section of a reason or an error that is gone", () => {
    const titles = [...guide.matchAll(/^### `(\w+)`$/gm)].map((match) => match[1]!)
    assert.sameMembers(titles, [...tagsOf(samples.errors), ...reasonTags])
  })

  it("names each kind of StorageError", () => {
    const { kind } = StorageError.fields
    assert.sameMembers([...rows("StorageError")], [...kind.literals])
  })

  it("has every sentence about a text that is no token, and no other", () => {
    const token = mac.orgToken({ now: Date.now(), life: 600 })
    const [permission, discharge] = token.replace("FlyV1 ", "").split(",")
    const texts = [
      "",
      `fo1_${"x".repeat(70_000)}`,
      "fo1_one two",
      "\"fo1_x\"",
      "undefined",
      "${FLY_API_TOKEN}",
      "<your-token>",
      "***",
      "{\"token\": 1}",
      "FLY_API_TOKEN=fo1_x",
      "Authorization: fo1_x",
      "op://vault/fly/token",
      "Zm8xX3gx",
      "https://fly.io",
      "/run/secrets/fly",
      "-----BEGIN KEY-----",
      structuredClone({}) as never,
      "fo1_",
      `${permission},${discharge!.slice(0, -3)}`,
      `${discharge}`
    ].map((text) => FlyToken.make(text).malformed)
    const printed = ["", "<html>", "{\"token\": \"fo1_x\"}", `{"token": "${token.slice(0, -3)}"}`].map((text) => {
      const minted = Output.mintedToken(text)
      return minted._tag === "Failure" ? minted.failure.why : undefined
    })
    const file = Portions.atOnce(ConfigFileText.interpret("access_token: [1]", "/home/me/.fly/config.yml")).result
    const said = [
      ...texts,
      ...printed,
      file._tag === "Failure" && file.failure._tag === "Malformed" ? file.failure.why : undefined
    ]
    assert.isTrue(said.every((sentence) => sentence !== undefined))
    // What follows a colon says what is wrong with the macaroon.
    const general = new Set(said.map((sentence) => sentence!.replace(/(cannot be read|flyctl's answer): .*/, "$1: …")))
    assert.sameMembers([...rows("Malformed")], [
      ...general,
      "flyctl printed something else than a list of apps",
      "flyctl printed something else than the status of an app"
    ])
  })

  it("has every obstacle and every trouble with flyctl's files, as they are told", () => {
    const { by } = main.MissReason.Unreachable.fields
    const obstacle = (by: MissReason.Unreachable["by"]) =>
      new main.MissReason.Unreachable({ by }).message.split(": ")[1]!
    assert.sameMembers([...rows("Unreachable")], [...by.literals])
    for (const each of by.literals) assert.include(section("Unreachable"), `\`${obstacle(each)}\``)
    const { problem } = main.MissReason.HomeUnusable.fields
    assert.sameMembers([...rows("HomeUnusable")], [...problem.literals])
    for (const each of problem.literals) {
      const path = each === "noHome" ? null : "…"
      const { message } = new main.MissReason.HomeUnusable({ problem: each, path })
      assert.include(section("HomeUnusable"), `\`${message}\``)
    }
  })

  it.live("says the same of a list of apps that is none, and of a status", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ modes: { apps: "rubbish", status: "rubbish" } }))
      const cli = yield* main.FlyCli.pipe(Effect.provide(FlyTokensNode.layerFly({ environment: sandbox.environment })))
      const reason = yield* Effect.flip(cli.listApps({ environmentToken: false }))
      assert.strictEqual(reason.message, "flyctl printed something else than a list of apps")
      const app = AppName.make("my-app")
      const other = yield* Effect.flip(cli.orgOf(app, { environmentToken: false }))
      assert.strictEqual(other.message, "flyctl printed something else than the status of an app")
    }))

  it.live("has every sentence about a config file that cannot be used", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const path = join(sandbox.home, ".fly", "config.yml")
      const why = FlyTokens.use((tokens) => Effect.flip(tokens.get("my-app"))).pipe(
        Effect.provide(
          FlyTokensNode.layer({ environment: sandbox.environment, chain: ["config"], configFileTimeout: "1 minute" })
        ),
        Effect.map((error) => {
          const reason = error._tag === "NoTokenAvailable" ? error.attempts[0]?.reason : undefined
          return reason?._tag === "Unreadable" ? reason.why : undefined
        })
      )
      const said: Array<string | undefined> = []
      for (const text of ["", "{", "- list", "a: 1\na: 2", "<<: 1", "[".repeat(9_999), `#${"x".repeat(2 ** 18)}`]) {
        yield* Effect.promise(() => sandbox.writeConfig(text))
        said.push(yield* why)
      }
      yield* Effect.promise(async () => {
        await rm(path)
        await mkdir(path)
      })
      said.push(yield* why)
      // What the system says of a file that may not be read depends on the user: root may read all.
      const others = ["permission denied", "Node's permission model does not allow it", "it cannot be read"]
      assert.sameMembers([...rows("Unreadable")], [...said as Array<string>, ...others])
    }))

  it.live("has every sentence about a source that has nothing", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ login: false }))
      const misses = (environment: Record<string, string | undefined>) =>
        FlyTokens.use((tokens) => Effect.flip(tokens.get("my-app"))).pipe(
          Effect.provide(FlyTokensNode.layer({ environment })),
          Effect.map((error) =>
            error instanceof NoTokenAvailable
              ? error.attempts.flatMap(({ reason }) => (reason._tag === "NotFound" ? [reason.what] : []))
              : []
          )
        )
      const said = [...(yield* misses(sandbox.environment))]
      yield* Effect.promise(() => sandbox.writeConfig("access_token:\n"))
      said.push(...(yield* misses(sandbox.environment)))
      said.push(...(yield* misses({ PATH: sandbox.bin, FLY_TOKENS_DIR: sandbox.store })))
      const inGuide = new Set(said.map((what) => what.replace(sandbox.home, "/home/me")))
      assert.sameMembers([...rows("NotFound")], [...inGuide, "the config file gave no answer"])
    }))

  it("every reason crosses a process border as it is quoted", () => {
    const json = Schema.toCodecJson(main.MissReason.MissReason)
    for (const sample of samples.reasons) {
      const back: MissReason.MissReason = Schema.decodeUnknownSync(json)(
        JSON.parse(JSON.stringify(Schema.encodeSync(json)(sample)))
      )
      assert.strictEqual(samples.quoted(back), samples.quoted(sample))
    }
  })
})
