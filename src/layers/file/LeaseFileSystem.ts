/**
 * Leases between the processes of one machine: files beside the records.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { pid } from "node:process"
import type { Environment } from "../../services/Environment.ts"
import * as Fence from "../../services/Fence.ts"
import { type Acquisition, Lease, LeaseError, type LeaseOptions } from "../../services/Lease.ts"
import type { InvalidOption } from "../../services/TokenError.ts"
import { ifPresent, isAbsent, whyOf } from "./FileFailure.ts"
import * as OwnerProcess from "./OwnerProcess.ts"
import * as PrivateDirectory from "./PrivateDirectory.ts"

/**
 * The options of {@link layer}.
 *
 * @category models
 */
export interface LeaseFileSystemOptions extends PrivateDirectory.DirectoryOptions, LeaseOptions {}

/** What a lease's file holds. When it was renewed last is the time of its last modification. */
const LeaseJson = Schema.fromJsonString(
  Schema.Struct({
    owner: Schema.String,
    pid: Schema.Int,
    ttlMillis: Schema.Finite,
    fence: Schema.Finite,
    process: Schema.optionalKey(OwnerProcess.Identity)
  })
)

const decode = Schema.decodeUnknownOption(LeaseJson)
const encode = Schema.encodeSync(LeaseJson)

/** How long the kernel's clock may be behind ours. */
const granularityMillis = 1_000

/** The time of a lease that was given back, by how that was. */
const released = { done: new Date(0), failed: new Date(1_000) }

const make = Effect.fnUntraced(function*(options: LeaseFileSystemOptions) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  // Others can look into it? The storage beside says so.
  const root = yield* PrivateDirectory.make(options, { quiet: true })
  const processes = yield* OwnerProcess.make
  /** The files of the leases that are held from here, by owner. */
  const held = new Map<string, string>()

  const prefix = (scope: string) => `${scope.replace("/", ".")}.`

  /** The generations of a lease that have a file. */
  const generations = (directory: string, scope: string) =>
    Effect.map(fileSystem.readDirectory(directory), (names) => {
      const found = names.filter((name) => name.startsWith(prefix(scope)) && !name.endsWith(".tmp"))
      return found.map((name) => Number(name.slice(prefix(scope).length))).filter(Number.isSafeInteger)
    })

  const read = (path: string) =>
    Effect.gen(function*() {
      const { mtime } = yield* fileSystem.stat(path)
      const content = decode(yield* fileSystem.readFileString(path))
      return {
        renewedAt: Option.isSome(mtime) ? mtime.value.getTime() : 0,
        content: Option.getOrUndefined(content)
      }
    }).pipe(Effect.catchIf(isAbsent, () => Effect.undefined))

  /** `false` if there is such a file already. Whole as soon as it is there: a link to a file that is. */
  const create = (path: string, content: typeof LeaseJson.Type, now: number) => {
    const temp = `${path}.${content.owner}.tmp`
    return fileSystem.writeFileString(temp, encode(content), { flag: "wx", mode: 0o600 }).pipe(
      Effect.andThen(fileSystem.utimes(temp, new Date(now), new Date(now))),
      Effect.andThen(Effect.as(fileSystem.link(temp, path), true)),
      Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.succeed(false)),
      Effect.ensuring(Effect.ignore(fileSystem.remove(temp, { force: true })))
    )
  }

  const newestOf = (all: ReadonlyArray<number>) => all.reduce((a, b) => Math.max(a, b), 0)

  /**
   * Each acquisition is a generation with a file of its own, and making that file is the step that only one can do. The
   * newest and the one before stay, so that whoever listed them a while ago does not make an old generation anew; who
   * did all the same sees the newer one afterwards.
   */
  const acquire = Effect.fnUntraced(function*(scope: string, owner: string, ttlMillis: number) {
    const directory = yield* Effect.mapError(
      root.ensure("open", "lease"),
      ({ path, why }) => new LeaseError({ scope, why, ...(path === undefined ? {} : { path }) })
    )
    yield* root.sweep(directory)
    const fileOf = (generation: number) => paths.join(directory, `${prefix(scope)}${generation}`)
    const newest = newestOf(yield* generations(directory, scope))
    const now = yield* Clock.currentTimeMillis
    const present = newest === 0 ? undefined : yield* read(fileOf(newest))
    const content = present?.content
    if (present !== undefined && content !== undefined && present.renewedAt <= now + granularityMillis) {
      const freeIn = present.renewedAt + content.ttlMillis - now
      const isHeld = freeIn > 0 && content.owner !== owner && !(yield* processes.isGone(content))
      if (isHeld) return { _tag: "Busy", freeIn } satisfies Acquisition
    }
    const generation = newest + 1
    const fence = Fence.after(content?.fence, now)
    const again: Acquisition = { _tag: "Busy", freeIn: ttlMillis }
    const process = yield* processes.self
    const mine = { owner, pid, ttlMillis, fence, ...(process === undefined ? {} : { process }) }
    const created = create(fileOf(generation), mine, now).pipe(
      Effect.tap((done) => Effect.sync(() => void (done && held.set(owner, fileOf(generation)))))
    )
    // Not to be parted: what is made and not known could not be given back.
    if (!(yield* Effect.uninterruptible(created))) return again
    const all = yield* generations(directory, scope)
    if (newestOf(all) > generation) {
      held.delete(owner)
      yield* fileSystem.remove(fileOf(generation), { force: true })
      return again
    }
    for (const old of all.filter((each) => each < generation - 1)) {
      yield* fileSystem.remove(fileOf(old), { force: true })
    }
    const afterFailure = present?.renewedAt === released.failed.getTime()
    return { _tag: "Acquired", fence, afterFailure } satisfies Acquisition
  })

  const renew = Effect.fnUntraced(function*(scope: string, path: string) {
    const all = yield* generations(paths.dirname(path), scope)
    if (paths.basename(path) !== `${prefix(scope)}${newestOf(all)}`) return false
    const now = new Date(yield* Clock.currentTimeMillis)
    yield* fileSystem.utimes(path, now, now)
    return true
  }, Effect.catchIf(isAbsent, () => Effect.succeed(false)))

  return yield* Lease.make({
    why: whyOf,
    acquire,
    renew: (scope, owner) => {
      const path = held.get(owner)
      return path === undefined ? Effect.succeed(false) : renew(scope, path)
    },
    release: (_, owner, outcome) =>
      Effect.suspend(() => {
        const path = held.get(owner)
        if (path === undefined) return Effect.void
        held.delete(owner)
        const time = released[outcome]
        return Effect.asVoid(ifPresent(fileSystem.utimes(path, time, time)))
      })
  }, options)
})

/**
 * Leases as files in `lease` below the directory of the records, for the processes of one machine.
 *
 * **Details**
 *
 * An owner that is gone for certain is not waited for: on Linux by its process id and start time, on this start of the
 * kernel and in this namespace of process ids; on macOS and Windows by its id on this host. Any other one has its `ttl`.
 *
 * Not by a lock of the operating system: those end with their owner, but not while it is suspended. The libraries that
 * lock by files have no fences, and two of those who wait can both take over from a dead owner.
 *
 * **Gotchas**
 *
 * The owner's clock and that of those who wait must be the same: several machines on one network directory need
 * `LeaseRedis` or `LeaseSql`. The file system must know hard links; where it does not, tokens are minted without a lease.
 *
 * @category layers
 */
export const layer = (
  options: LeaseFileSystemOptions = {}
): Layer.Layer<never, InvalidOption, FileSystem.FileSystem | Path.Path | Environment> =>
  Layer.effect(Lease, make(options))
