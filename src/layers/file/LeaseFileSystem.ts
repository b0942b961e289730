/**
 * Leases between the processes of one machine: files beside the records.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import { pid } from "node:process"
import type { Environment } from "../../services/Environment.ts"
import * as Fence from "../../services/Fence.ts"
import { Lease, type LeaseBacking, LeaseError, type LeaseOptions } from "../../services/Lease.ts"
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

interface Leases extends PrivateDirectory.PrivateDirectory {
  readonly processes: Effect.Success<typeof OwnerProcess.make>
  /** The files of the leases that are held from here, by owner. */
  readonly held: Map<string, string>
}

/** The generations of a lease that have a file; its path is the stem and the number. */
const generations = ({ fileSystem, paths }: Leases, stem: string) =>
  Effect.map(fileSystem.readDirectory(paths.dirname(stem)), (names) => {
    const prefix = paths.basename(stem)
    const found = names.filter((name) => name.startsWith(prefix) && !name.endsWith(".tmp"))
    return found.map((name) => Number(name.slice(prefix.length))).filter(Number.isSafeInteger)
  })

const newestOf = (all: ReadonlyArray<number>) => all.reduce((a, b) => Math.max(a, b), 0)

/** Of a lease that nobody has had yet there is nothing. */
const read = Effect.fnUntraced(function*({ fileSystem }: Leases, path: string) {
  const { mtime } = yield* fileSystem.stat(path)
  const content = Option.getOrUndefined(decode(yield* fileSystem.readFileString(path)))
  return { content, renewedAt: Option.getOrElse(mtime, () => new Date(0)).getTime() }
}, Effect.catchIf(isAbsent, () => Effect.succeed({ content: undefined, renewedAt: 0 })))

/**
 * Takes a lease by making its file: `false` if there is such a file already. Whole as soon as it is there: a link to a
 * file that is. Not to be parted: what is made and not known could not be given back.
 */
const create = ({ fileSystem, held }: Leases, path: string, content: typeof LeaseJson.Type, now: number) => {
  const temp = `${path}.${content.owner}.tmp`
  return fileSystem.writeFileString(temp, encode(content), { flag: "wx", mode: 0o600 }).pipe(
    Effect.andThen(fileSystem.utimes(temp, new Date(now), new Date(now))),
    Effect.andThen(fileSystem.link(temp, path)),
    Effect.andThen(Effect.sync(() => held.set(content.owner, path))),
    Effect.as(true),
    Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.succeed(false)),
    Effect.ensuring(Effect.ignore(fileSystem.remove(temp, { force: true }))),
    Effect.uninterruptible
  )
}

/**
 * Each acquisition is a generation with a file of its own, and making that file is the step that only one can do. The
 * newest and the one before stay, so that whoever listed them a while ago does not make an old generation anew; who
 * did all the same sees the newer one afterwards.
 */
const acquire = (leases: Leases): LeaseBacking<PlatformError>["acquire"] =>
  Effect.fnUntraced(function*(scope, owner, ttlMillis) {
    const { fileSystem, held, paths, processes } = leases
    const directory = yield* Effect.mapError(
      PrivateDirectory.ensure(leases, "open", "lease"),
      ({ path, why }) => new LeaseError({ scope, why, ...(path === undefined ? {} : { path }) })
    )
    yield* PrivateDirectory.sweep(leases, directory)
    const stem = paths.join(directory, `${scope.replace("/", ".")}.`)
    const newest = newestOf(yield* generations(leases, stem))
    const now = yield* Clock.currentTimeMillis
    const { content, renewedAt } = yield* read(leases, `${stem}${newest}`)
    if (content !== undefined && renewedAt <= now + granularityMillis) {
      const freeIn = renewedAt + content.ttlMillis - now
      const isHeld = freeIn > 0 && content.owner !== owner && !(yield* processes.isGone(content))
      if (isHeld) return { _tag: "Busy", freeIn }
    }
    const generation = newest + 1
    const path = `${stem}${generation}`
    const fence = Fence.after(content?.fence, now)
    const process = yield* processes.self
    const mine = { owner, pid, ttlMillis, fence, ...(process === undefined ? {} : { process }) }
    if (!(yield* create(leases, path, mine, now))) return { _tag: "Busy", freeIn: ttlMillis }
    const all = yield* generations(leases, stem)
    if (newestOf(all) > generation) {
      held.delete(owner)
      yield* fileSystem.remove(path, { force: true })
      return { _tag: "Busy", freeIn: ttlMillis }
    }
    for (const old of all.filter((each) => each < generation - 1)) {
      yield* fileSystem.remove(`${stem}${old}`, { force: true })
    }
    return { _tag: "Acquired", fence, afterFailure: renewedAt === released.failed.getTime() }
  })

const make = Effect.fnUntraced(function*(options: LeaseFileSystemOptions) {
  const leases: Leases = {
    // Others can look into it? The storage beside says so.
    ...(yield* PrivateDirectory.make(options, { quiet: true })),
    processes: yield* OwnerProcess.make,
    held: new Map()
  }
  const { fileSystem, held } = leases
  return yield* Lease.make<PlatformError>({
    why: whyOf,
    acquire: acquire(leases),
    renew: Effect.fnUntraced(function*(_, owner) {
      const path = held.get(owner)
      if (path === undefined) return false
      const stem = path.slice(0, path.lastIndexOf(".") + 1)
      if (path !== `${stem}${newestOf(yield* generations(leases, stem))}`) return false
      const now = new Date(yield* Clock.currentTimeMillis)
      yield* fileSystem.utimes(path, now, now)
      return true
    }, Effect.catchIf(isAbsent, () => Effect.succeed(false))),
    release: Effect.fnUntraced(function*(_, owner, outcome) {
      const path = held.get(owner)
      if (path === undefined) return
      held.delete(owner)
      const time = released[outcome]
      yield* ifPresent(fileSystem.utimes(path, time, time))
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
