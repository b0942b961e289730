/**
 * A fleet over PostgreSQL whose nodes ask for all their apps at once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Sandbox from "../support/Sandbox.ts"
import { postgres, unique } from "../support/Services.ts"
import { manyApps as apps } from "../support/sizes.ts"
import * as Worker from "./Worker.ts"

const nodes = 3
const organizations = 12

describe(`many apps over PostgreSQL${postgres.why}`, () => {
  it.live.skipIf(postgres.skip)(
    `${nodes} nodes ask for ${apps} apps of ${organizations} organizations: as many mints, under leases, no time-out`,
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const store = { kind: "postgres", url: postgres.url, name: unique("many"), leaseTtl: 30_000, connections: 10 }
        const args = [JSON.stringify(store), String(apps), String(organizations)]
        const workers = yield* Effect.forEach(
          Array.from({ length: nodes }),
          () =>
            Effect.acquireRelease(
              Effect.promise(() => Worker.start("manyApps", args, sandbox.environment)),
              (worker) => Effect.sync(() => worker.kill("SIGKILL"))
            ),
          { concurrency: "unbounded" }
        )
        for (const worker of workers) worker.go()
        const reports = yield* Effect.forEach(
          workers,
          (worker) => Effect.promise(() => worker.line(/"got"/).then((line) => JSON.parse(line))),
          { concurrency: "unbounded" }
        )
        for (const { answers, events, got } of reports) {
          assert.strictEqual(got, apps)
          assert.strictEqual(answers["storage TimedOut"], undefined)
          assert.strictEqual(events["LeaseUnavailable"], undefined)
        }
        assert.strictEqual((yield* Effect.promise(sandbox.mints)).length, organizations)
        assert.strictEqual(new Set(reports.flatMap(({ hashes }) => hashes)).size, organizations)
      }),
    10 * 60_000
  )
})
