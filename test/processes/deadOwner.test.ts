/**
 * The file lease of a process that was killed: the next one gets it at once, and nobody else's is taken for it. Leases
 * live for an hour here, so that none ends by itself.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Environment, Lease } from "../../src/index.ts"
import { LeaseFileSystem } from "../../src/node.ts"
import * as Worker from "./Worker.ts"

/** By what a dead owner is known here. */
const isKnown = ["linux", "darwin", "win32"].includes(process.platform)
const onLinux = process.platform === "linux"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "fly-tokens-owner-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const holder = (directory: string) =>
  Effect.acquireRelease(
    Effect.promise(() => Worker.start("leaseHolder", [directory, "acme"])),
    (worker) => Effect.sync(() => worker.kill("SIGKILL"))
  )

/** The lease, if it can be had without waiting. */
const probe = (directory: string) =>
  Effect.flatMap(
    Lease,
    (lease) => lease.withLease({ org: "acme" }, () => Effect.succeed("had"), Effect.succeedSome("busy"))
  ).pipe(
    Effect.provide(
      LeaseFileSystem.layer({ directory, ttl: "1 hour" }).pipe(
        Layer.provide([Environment.layerRecord({}), NodeServices.layer])
      )
    )
  )

const newest = (directory: string) => {
  const folder = join(directory, "lease")
  return join(folder, readdirSync(folder).filter((name) => name.startsWith("org.acme.")).sort().at(-1)!)
}

/** Changes what a lease's file says, and not when it was renewed. */
const edit = (directory: string, change: (content: Record<string, unknown>) => Record<string, unknown>) => {
  const path = newest(directory)
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")))))
  utimesSync(path, new Date(), new Date())
}

const killed = (worker: Worker.Worker) =>
  Effect.promise(() => {
    worker.kill("SIGKILL")
    return worker.ended
  })

const processOf = (content: Record<string, unknown>) => content["process"] as Record<string, unknown>

describe.skipIf(!isKnown)(
  `the lease of an owner that is gone${isKnown ? "" : " (skipped: not known on this system)"}`,
  () => {
    it.live(
      "by kill -9 is free at once; that of a live one, or of a suspended one, is kept",
      () =>
        Effect.gen(function*() {
          const path = yield* directory
          const worker = yield* holder(path)
          assert.strictEqual(yield* probe(path), "busy")
          worker.kill("SIGSTOP")
          assert.strictEqual(yield* probe(path), "busy")
          yield* killed(worker)
          assert.strictEqual(yield* probe(path), "had")
        }),
      30_000
    )

    it.live("and whose file an older release wrote, is waited for", () =>
      Effect.gen(function*() {
        const path = yield* directory
        yield* Effect.flatMap(holder(path), killed)
        edit(path, (content) => ({ ...content, process: undefined }))
        assert.strictEqual(yield* probe(path), "busy")
      }), 30_000)

    it.live.skipIf(!onLinux)("whose id is another process's by now, is free", () =>
      Effect.gen(function*() {
        const path = yield* directory
        yield* holder(path)
        edit(path, (content) => ({ ...content, process: { ...processOf(content), started: "1" } }))
        assert.strictEqual(yield* probe(path), "had")
      }), 30_000)

    it.live.each([["host", "elsewhere"], ["boot", "another"], ["namespace", "pid:[1]"]] as const)(
      "by its id, but with another %s, is waited for",
      ([field, value]) =>
        Effect.gen(function*() {
          const path = yield* directory
          yield* Effect.flatMap(holder(path), killed)
          edit(path, (content) => ({ ...content, process: { ...processOf(content), [field]: value } }))
          assert.strictEqual(yield* probe(path), "busy")
        }),
      30_000
    )
  }
)
