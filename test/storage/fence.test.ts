/**
 * Fences: their order, and writers of one record in files that are suspended at any moment.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as FastCheck from "fast-check"
import { mkdtemp, readdir, rm, utimes } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Environment, Storage } from "../../src/index.ts"
import { StorageFileSystem } from "../../src/node.ts"
import * as Fence from "../../src/services/Fence.ts"

describe("fences", () => {
  it("are the time in whole milliseconds, and always more than before", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.option(FastCheck.maxSafeNat(), { nil: undefined }),
        FastCheck.double({ min: 0, max: 8e15, noNaN: true }),
        (previous, now) => {
          const fence = Fence.after(previous, now)
          assert.isTrue(Number.isInteger(fence))
          assert.isAbove(fence, previous ?? -1)
          assert.isAtLeast(fence, Math.floor(now))
        }
      )
    )
  })

  const record = { expiresAt: 1_000, savedAt: 0 }

  it("refuse only what is older than a record that is there, good, and not from the future", () => {
    const older = (present: Fence.Fenced, now = 500, incoming: Fence.Fenced = { ...record, fence: 4 }) =>
      Fence.isOutdated(incoming, present, now)
    assert.isTrue(older({ ...record, fence: 5 }))
    assert.isTrue(older({ ...record, fence: 5, expiresAt: null }))
    assert.isFalse(older({ ...record, fence: 4 }))
    assert.isFalse(older({ ...record, fence: 3 }))
    assert.isFalse(older(record))
    assert.isFalse(older({ ...record, fence: 5 }, 500, record))
    assert.isTrue(older({ ...record, fence: 5 }, 999))
    assert.isFalse(older({ ...record, fence: 5 }, 1_000))
    assert.isTrue(older({ ...record, fence: 5, savedAt: 500 + Fence.clockTolerance }))
    assert.isFalse(older({ ...record, fence: 5, savedAt: 501 + Fence.clockTolerance }))
  })
})

/** A writer that stops before each call to the file system until it is let go. */
const writer = (directory: string, fence: number) => {
  let letGo: (() => void) | undefined
  let arrived: (() => void) | undefined
  let calls = 0
  const gate = Effect.promise(() =>
    new Promise<void>((resolve) => {
      calls++
      letGo = resolve
      arrived?.()
    })
  )
  const gated = Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (files) => {
      const stops =
        <Args extends ReadonlyArray<never>, A, E, R>(call: (...args: Args) => Effect.Effect<A, E, R>) =>
        (...args: Args) => Effect.andThen(gate, call(...args))
      return {
        ...files,
        open: stops(files.open),
        rename: stops(files.rename),
        remove: stops(files.remove),
        readDirectory: stops(files.readDirectory),
        readFileString: stops(files.readFileString),
        lstat: stops(files.lstat),
        stat: stops(files.stat),
        makeDirectory: stops(files.makeDirectory)
      } as FileSystem.FileSystem
    })
  ).pipe(Layer.provideMerge(NodeServices.layer))

  const state = { ended: false, outcome: "" }
  const run = Storage.use((storage) =>
    storage.put("acme", "org", {
      token: Redacted.make(`fo1_${fence}`),
      expiresAt: null,
      source: "cli",
      savedAt: 0,
      fence
    })
  ).pipe(
    Effect.provide(
      StorageFileSystem.layer({ directory }).pipe(
        Layer.provide(Environment.layerRecord({})),
        Layer.provide(gated)
      )
    ),
    Effect.match({ onSuccess: () => "written", onFailure: (error) => error._tag === "StorageError" ? error.kind : "?" })
  )
  void Effect.runPromise(run).then((outcome) => {
    Object.assign(state, { ended: true, outcome })
    arrived?.()
  })
  const atGate = () =>
    new Promise<void>((resolve) => {
      if (state.ended || letGo !== undefined) resolve()
      else arrived = resolve
    })
  return {
    state,
    calls: () => calls,
    /** Lets it do one call, and waits until it stands before the next one or has ended. */
    step: async () => {
      await atGate()
      const go = letGo
      letGo = undefined
      go?.()
      await atGate()
    }
  }
}

type Writer = ReturnType<typeof writer>

const finish = async (one: Writer) => {
  while (!one.state.ended) await one.step()
}

const left = (directory: string) =>
  Effect.runPromise(
    Effect.provide(
      Storage.use((storage) => storage.get("acme", "org")),
      StorageFileSystem.layer({ directory }).pipe(
        Layer.provide(Environment.layerRecord({})),
        Layer.provide(NodeServices.layer)
      )
    )
  ).then((record) => Option.getOrUndefined(record)?.fence)

const inDirectory = async (use: (directory: string) => Promise<void>) => {
  const directory = await mkdtemp(join(tmpdir(), "fly-tokens-fence-"))
  try {
    await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

describe("writers of one record in files", () => {
  it.each([[5, 6], [6, 5]])(
    "fence %i is suspended before any of its calls, then fence %i before any of its own: the newer one is left",
    async (first, second) => {
      const outcomes = new Set<string>()
      let points = 0
      const walked = { one: false, other: false }
      for (let stop = 0; !walked.one; stop++) {
        walked.other = false
        for (let otherStop = 0; !walked.other; otherStop++) {
          await inDirectory(async (directory) => {
            const one = writer(directory, first)
            for (let n = 0; n < stop && !one.state.ended; n++) await one.step()
            walked.one = one.state.ended
            const other = writer(directory, second)
            for (let n = 0; n < otherStop && !other.state.ended; n++) await other.step()
            walked.other = other.state.ended
            await finish(one)
            await finish(other)
            assert.strictEqual(await left(directory), 6)
            assert.deepStrictEqual(await readdir(join(directory, "org", ".staged")), [])
            outcomes.add(`${one.state.outcome}/${other.state.outcome}`)
            points++
          })
        }
      }
      // The walk went through the whole of both writes, and the older one was refused at some points of it.
      assert.isAbove(points, 64)
      assert.isTrue(outcomes.has("written/written"))
      assert.isTrue(outcomes.has(first === 5 ? "Superseded/written" : "written/Superseded"))
    },
    60_000
  )

  it.each([[-60, "a minute ago"], [3_600, "in an hour, by a clock that was set back since"]])(
    "what a writer left that was killed (%i s: %s) does not refuse a write for ever",
    (seconds) =>
      inDirectory(async (directory) => {
        const killed = writer(directory, 9)
        const stagedBy = () => readdir(join(directory, "org", ".staged")).catch(() => [])
        while ((await stagedBy()).length === 0) await killed.step()
        const [name] = await stagedBy()
        const path = join(directory, "org", ".staged", name!)
        const fresh = writer(directory, 5)
        await finish(fresh)
        assert.strictEqual(fresh.state.outcome, "Superseded")
        await utimes(path, Date.now() / 1000 + seconds, Date.now() / 1000 + seconds)
        const later = writer(directory, 5)
        await finish(later)
        assert.strictEqual(later.state.outcome, "written")
        assert.strictEqual(await left(directory), 5)
        // It was only suspended after all: then it is the newer one.
        await finish(killed)
        assert.strictEqual(await left(directory), 9)
      })
  )

  it("in any interleaving of three writers the newest one is left (property)", async () => {
    await FastCheck.assert(
      FastCheck.asyncProperty(
        FastCheck.shuffledSubarray([1, 2, 3], { minLength: 3, maxLength: 3 }),
        FastCheck.array(FastCheck.nat(2), { minLength: 10, maxLength: 60 }),
        (fences, turns) =>
          inDirectory(async (directory) => {
            const writers = fences.map((fence) => writer(directory, fence))
            for (const turn of turns) await writers[turn]!.step()
            for (const one of writers) await finish(one)
            assert.strictEqual(await left(directory), 3)
            assert.strictEqual(writers[fences.indexOf(3)]!.state.outcome, "written")
          })
      ),
      { numRuns: 100 }
    )
  }, 60_000)
})
