/** The process that holds a file lease, and whether it is gone for certain: then nobody waits for its lease to end. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { hostname } from "node:os"
import { kill, pid, platform } from "node:process"
import * as SystemCode from "../../services/SystemCode.ts"

/** Where a process id means something, and which of the processes with that id is meant. */
export const Identity = Schema.Struct({
  host: Schema.String,
  /** Of this start of the kernel. Linux has it, as the next two. */
  boot: Schema.optionalKey(Schema.String),
  /** Containers that share a directory may have equal host names and ids, not equal namespaces. */
  namespace: Schema.optionalKey(Schema.String),
  /** When the process began, in ticks since the kernel did. */
  started: Schema.optionalKey(Schema.String)
})

export type Identity = typeof Identity.Type

/** What a look at a process id showed. Of one that is there, `started` is `undefined` where that cannot be known. */
export type Look =
  | { readonly _tag: "Absent" }
  /** It has ended, and its parent has not asked how. */
  | { readonly _tag: "Zombie" }
  | { readonly _tag: "There"; readonly started: string | undefined }

/** Whether a look shows for certain that an owner is gone. In doubt it is not: its lease ends by itself. */
export const isGone = (owner: Identity | undefined, here: Identity | undefined, look: Look): boolean => {
  if (owner === undefined || here === undefined) return false
  const idsAreOurs = owner.host === here.host && owner.boot === here.boot && owner.namespace === here.namespace
  if (!idsAreOurs) return false
  if (look._tag !== "There") return true
  // Another process has got the id since.
  return owner.started !== undefined && look.started !== undefined && owner.started !== look.started
}

/**
 * What the kernel says of a process in `/proc/<pid>/stat`: the name in parentheses may hold anything, the rest is fixed.
 */
export const parseStat = (
  text: string
): { readonly pid: number; readonly state: string; readonly started: string } | undefined => {
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(" ")
  const [state] = fields
  // Field 22; the first two are before the parenthesis.
  const started = fields[19]
  const id = /^(\d+) \(/.exec(text)?.[1]
  return id === undefined || state === undefined || started === undefined || !/^\d+$/.test(started)
    ? undefined
    : { pid: Number(id), state, started }
}

/** Signal 0 is sent to nobody; only that there is no such process says that it is gone. */
const isAbsent = (id: number): boolean => {
  try {
    kill(id, 0)
    return false
  } catch (cause) {
    return SystemCode.of(cause) === "ESRCH"
  }
}

export const make = Effect.gen(function*() {
  const fileSystem = yield* FileSystem.FileSystem

  const statOf = (id: number | "self") =>
    Effect.map(fileSystem.readFileString(`/proc/${id}/stat`), parseStat).pipe(Effect.orElseSucceed(() => undefined))

  const onLinux = Effect.fnUntraced(function*(host: string) {
    const boot = (yield* fileSystem.readFileString("/proc/sys/kernel/random/boot_id")).trim()
    const namespace = yield* fileSystem.readLink("/proc/self/ns/pid")
    const stat = yield* statOf("self")
    // `/proc` may be that of another namespace, whose ids are not ours.
    return stat?.pid === pid && boot !== "" ? { host, boot, namespace, started: stat.started } : undefined
  }, Effect.orElseSucceed(() => undefined))

  const self = yield* Effect.cached(
    Effect.suspend((): Effect.Effect<Identity | undefined> => {
      const host = hostname()
      if (platform === "linux") return onLinux(host)
      // Elsewhere the host's name has to do. Not where jails and zones have ids of their own.
      return Effect.succeed(platform === "darwin" || platform === "win32" ? { host } : undefined)
    }).pipe(Effect.catchDefect(() => Effect.undefined))
  )

  const look = Effect.fnUntraced(function*(id: number): Effect.fn.Return<Look> {
    if (isAbsent(id)) return { _tag: "Absent" }
    const stat = platform === "linux" ? yield* statOf(id) : undefined
    return stat?.state === "Z" || stat?.state === "X"
      ? { _tag: "Zombie" }
      : { _tag: "There", started: stat?.started }
  })

  return {
    /** This process; `undefined` where nobody else could judge by it. */
    self,
    /** Whether another one is gone for certain. */
    isGone: ({ pid, process }: { readonly pid: number; readonly process?: Identity }) =>
      Effect.zipWith(self, look(pid), (here, look) => isGone(process, here, look))
  }
})
