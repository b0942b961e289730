/**
 * The store as real files. On the live clock, because files are.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import { spawnSync } from "node:child_process"
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile
} from "node:fs/promises"
import { dirname, join } from "node:path"
import { Environment, FlyToken, FlyTokens, Storage, type StoredToken } from "../../src/index.ts"
import { FlyTokensNode, StorageFileSystem } from "../../src/node.ts"
import * as Sandbox from "../support/Sandbox.ts"

const record = (token: string): StoredToken => ({
  token: Redacted.make(token),
  expiresAt: null,
  source: "cli",
  savedAt: 1_700_000_000_000
})

const plain = (stored: StoredToken) => ({ ...stored, token: Redacted.value(stored.token) })

const layerOf = (
  sandbox: Sandbox.Sandbox,
  services: Layer.Layer<Layer.Success<typeof NodeServices.layer>> = NodeServices.layer
) =>
  StorageFileSystem.layer().pipe(
    Layer.provide(Environment.layerRecord(sandbox.environment)),
    Layer.provide(services)
  )

const mode = async (path: string) => (await stat(path)).mode & 0o777

const logged = () => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}

/** A file system in which one call fails as the system would have it. */
const failing = (method: "chmod" | "open" | "makeDirectory" | "rename" | "readFileString", code: string) =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (files) => ({
      ...files,
      [method]: () =>
        Effect.fail(
          PlatformError.systemError({
            _tag: "Unknown",
            module: "FileSystem",
            method,
            cause: Object.assign(new Error("with a secret fo1_abc"), { code })
          })
        )
    }))
  ).pipe(Layer.provideMerge(NodeServices.layer))

describe("records", () => {
  it.live("are files of mode 0600 in directories of mode 0700, whatever the umask", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const before = process.umask(0)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.umask(before)))
      yield* Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
        Effect.provide(layerOf(sandbox))
      )
      const file = join(sandbox.store, "cached", "my-app.json")
      yield* Effect.promise(async () => {
        assert.strictEqual(await mode(file), 0o600)
        assert.strictEqual(await mode(dirname(file)), 0o700)
        assert.strictEqual(await mode(sandbox.store), 0o700)
        assert.deepStrictEqual(JSON.parse(await readFile(file, "utf8")), {
          version: 1,
          key: "cached",
          name: "my-app",
          token: "fo1_x",
          expiresAt: null,
          source: "cli",
          savedAt: 1_700_000_000_000
        })
        assert.deepStrictEqual(await readdir(dirname(file)), [".staged", "my-app.json"])
        assert.strictEqual(await mode(join(dirname(file), ".staged")), 0o700)
        assert.deepStrictEqual(await readdir(join(dirname(file), ".staged")), [])
      })
    }))

  it.live("are read back, listed, overwritten and deleted, each app and key by itself", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        assert.deepStrictEqual(yield* storage.list("cached"), [])
        assert.isTrue(Option.isNone(yield* storage.get("app-1", "cached")))
        yield* storage.delete("app-1", "cached")
        for (const key of ["cached", "manual", "org"] as const) {
          yield* storage.put("app-1", key, record(`fo1_${key}`))
          yield* storage.put("app-2", key, { ...record("fo1_other"), expiresAt: 5, fence: 3 })
        }
        yield* storage.put("app-1", "cached", record("fo1_newer"))
        yield* storage.delete("app-2", "manual")
        assert.deepStrictEqual(
          plain(Option.getOrThrow(yield* storage.get("app-1", "cached"))),
          plain(record("fo1_newer"))
        )
        const other = Option.getOrThrow(yield* storage.get("app-2", "org"))
        assert.deepStrictEqual([other.expiresAt, other.fence], [5, 3])
        assert.deepStrictEqual(yield* storage.list("cached"), ["app-1", "app-2"])
        assert.deepStrictEqual(yield* storage.list("manual"), ["app-1"])
      }).pipe(Effect.provide(layerOf(sandbox)))
    }))

  it.live("have names that are no paths", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        for (const name of ["../evil", "a/b", "", ".", "-x", "fm2_c2VjcmV0c2VjcmV0"]) {
          for (
            const call of [
              storage.put(name, "cached", record("fo1_x")),
              storage.get(name, "cached"),
              storage.delete(name, "cached")
            ]
          ) {
            const error = yield* Effect.flip(
              call as Effect.Effect<unknown, { readonly kind: string; readonly message: string }>
            )
            assert.strictEqual(error.kind, "InvalidName")
            assert.notInclude(error.message, "c2VjcmV0")
          }
        }
      }).pipe(Effect.provide(layerOf(sandbox)))
    }))
})

describe("a corrupt record", () => {
  const texts = [
    "",
    "{",
    "null",
    "[]",
    "not json",
    "{\"version\":1}",
    "{\"version\":1,\"token\":\"\",\"expiresAt\":null,\"source\":\"cli\",\"savedAt\":1}",
    "{\"version\":1,\"token\":null,\"expiresAt\":null,\"source\":\"cli\",\"savedAt\":1}",
    "{\"version\":1,\"token\":\"fo1_x\",\"expiresAt\":\"soon\",\"source\":\"cli\",\"savedAt\":1}",
    "{\"version\":1,\"token\":\"fo1_x\",\"expiresAt\":1e300,\"source\":\"cli\",\"savedAt\":1}",
    "{\"version\":1,\"token\":\"fo1_x\",\"expiresAt\":null,\"source\":\"Some Where\",\"savedAt\":1}",
    "\u0000".repeat(100),
    "x".repeat(1024 * 1024)
  ]
  it.live("that was cached is a miss, set aside and healed", () =>
    Effect.gen(function*() {
      for (const text of texts) {
        const sandbox = yield* Sandbox.make
        const file = join(sandbox.store, "cached", "my-app.json")
        yield* Effect.gen(function*() {
          const storage = yield* Storage
          yield* storage.put("my-app", "cached", record("fo1_x"))
          yield* Effect.promise(() => writeFile(file, text))
          assert.isTrue(Option.isNone(yield* storage.get("my-app", "cached")))
          assert.strictEqual(yield* Effect.promise(() => readFile(`${file}.corrupt`, "utf8")), text)
          assert.deepStrictEqual(yield* storage.list("cached"), [])
          yield* storage.put("my-app", "cached", record("fo1_y"))
          assert.isTrue(Option.isSome(yield* storage.get("my-app", "cached")))
        }).pipe(Effect.provide(Layer.provideMerge(layerOf(sandbox), logged().layer)))
      }
    }))

  it.live("that was set by hand is kept as it is: reading, setting and removing say which file", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const file = join(sandbox.store, "manual", "my-app.json")
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        yield* storage.put("my-app", "manual", record("fo1_x"))
        const half = (yield* Effect.promise(() => readFile(file, "utf8"))).slice(0, 30)
        yield* Effect.promise(() => writeFile(file, half))
        for (
          const call of [
            storage.get("my-app", "manual"),
            storage.put("my-app", "manual", record("fo1_y")),
            storage.delete("my-app", "manual")
          ]
        ) {
          const error = yield* Effect.flip(
            call as Effect.Effect<unknown, { readonly kind: string; readonly path?: string }>
          )
          assert.deepStrictEqual([error.kind, error.path], ["Corrupt", file])
        }
        assert.strictEqual(yield* Effect.promise(() => readFile(file, "utf8")), half)
      }).pipe(Effect.provide(layerOf(sandbox)))
    }))

  it.live("is what was copied over another app's: a miss where it was minted, a typed error where it was set by hand", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const file = (key: string, app: string) => join(sandbox.store, key, `${app}.json`)
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        for (const key of ["cached", "manual"] as const) {
          for (const app of ["my-app", "other-app"]) yield* storage.put(app, key, record(`fo1_${app}`))
          yield* Effect.promise(() => copyFile(file(key, "other-app"), file(key, "my-app")))
        }
        assert.isTrue(Option.isNone(yield* storage.get("my-app", "cached")))
        assert.include(
          yield* Effect.promise(() => readFile(`${file("cached", "my-app")}.corrupt`, "utf8")),
          "other-app"
        )
        const error = yield* Effect.flip(storage.get("my-app", "manual"))
        assert.deepStrictEqual([error.kind, error.path], ["Corrupt", file("manual", "my-app")])
        assert.notInclude(error.message, "other-app")
        assert.include(yield* Effect.promise(() => readFile(file("manual", "my-app"), "utf8")), "fo1_other-app")
      }).pipe(Effect.provide(Layer.provideMerge(layerOf(sandbox), logged().layer)))
    }))

  it.live("of a newer version is neither read nor set aside", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const file = join(sandbox.store, "cached", "my-app.json")
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        yield* storage.put("my-app", "cached", record("fo1_x"))
        yield* Effect.promise(() => writeFile(file, "{\"version\":2,\"secret\":\"fo1_z\"}"))
        const error = yield* Effect.flip(storage.get("my-app", "cached"))
        assert.strictEqual(error.kind, "UnsupportedVersion")
        assert.notInclude(error.message, "fo1_z")
        assert.include(yield* Effect.promise(() => readFile(file, "utf8")), "version\":2")
      }).pipe(Effect.provide(layerOf(sandbox)))
    }))
})

describe("a record's file", () => {
  it.live("that is a link or a directory is refused, and what it leads to is not touched", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const elsewhere = join(sandbox.home, "elsewhere")
      yield* Effect.promise(async () => {
        await mkdir(join(sandbox.store, "cached", "other-app.json"), { recursive: true, mode: 0o700 })
        await mkdir(elsewhere, { mode: 0o755 })
        await chmod(sandbox.store, 0o700)
        await symlink(elsewhere, join(sandbox.store, "cached", "my-app.json"))
      })
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        for (const name of ["my-app", "other-app"]) {
          assert.include((yield* Effect.flip(storage.get(name, "cached"))).message, "not a regular file")
        }
        assert.strictEqual(yield* Effect.promise(() => mode(elsewhere)), 0o755)
      }).pipe(Effect.provide(layerOf(sandbox)))
    }))

  it.live("that others can read is read also where that cannot be changed", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const log = logged()
      const put = Storage.use((storage) => storage.put("my-app", "manual", record("fo1_x")))
      yield* put.pipe(Effect.provide(layerOf(sandbox)))
      yield* Effect.promise(() => chmod(join(sandbox.store, "manual", "my-app.json"), 0o644))
      const found = yield* Storage.use((storage) => storage.get("my-app", "manual")).pipe(
        Effect.provide(Layer.provideMerge(layerOf(sandbox, failing("chmod", "EROFS")), log.layer))
      )
      assert.isTrue(Option.isSome(found))
      assert.include(log.lines[0], "EROFS")
    }))

  it.live("that is corrupt is not set aside over a good one written meanwhile; two readers of it do not disturb each other", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const file = join(sandbox.store, "cached", "my-app.json")
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        yield* storage.put("my-app", "cached", record("fo1_x"))
        yield* Effect.promise(() => writeFile(file, "rubbish"))
        const both = yield* Effect.all([storage.get("my-app", "cached"), storage.get("my-app", "cached")], {
          concurrency: 2
        })
        assert.deepStrictEqual(both.map(Option.isNone), [true, true])
      }).pipe(Effect.provide(Layer.provideMerge(layerOf(sandbox), logged().layer)))

      yield* Effect.promise(() => writeFile(file, "rubbish", { mode: 0o600 }))
      // Between the first reader's look and its setting aside, another process writes.
      let reads = 0
      const racing = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (files) => ({
          ...files,
          readFileString: (path: string) =>
            Effect.tap(files.readFileString(path), () =>
              Effect.promise(async () => {
                if (reads++ > 0) return
                const text = { version: 1, token: "fo1_good", expiresAt: null, source: "cli", savedAt: 1 }
                await writeFile(file, JSON.stringify(text))
              }))
        }))
      ).pipe(Layer.provideMerge(NodeServices.layer))
      yield* Effect.ignore(
        Effect.provide(Storage.use((storage) => storage.get("my-app", "cached")), layerOf(sandbox, racing))
      )
      const found = yield* Effect.provide(Storage.use((storage) => storage.get("my-app", "cached")), layerOf(sandbox))
      assert.strictEqual(Redacted.value(Option.getOrThrow(found).token), "fo1_good")
    }))

  it.live("left half-written by a writer that was killed goes after an hour", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const folder = join(sandbox.store, "cached", ".staged")
      const put = Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x")))
      yield* put.pipe(Effect.provide(layerOf(sandbox)))
      const old = new Date(Date.now() - 2 * 3_600_000)
      yield* Effect.promise(async () => {
        await writeFile(join(folder, "my-app..1.1.tmp"), "fo1_half")
        await utimes(join(folder, "my-app..1.1.tmp"), old, old)
        await writeFile(join(folder, "my-app..2.2.tmp"), "fo1_being-written")
      })
      yield* put.pipe(Effect.provide(layerOf(sandbox)))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["my-app..2.2.tmp"])
    }))
})

describe("the directory", () => {
  it.live("of another user is refused, for root too", (context) =>
    Effect.gen(function*() {
      if (process.geteuid?.() !== 0) return context.skip("only root can give a directory away")
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await mkdir(sandbox.store, { recursive: true, mode: 0o700 })
        await chown(sandbox.store, 12_345, 12_345)
      })
      const error = yield* Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
        Effect.provide(layerOf(sandbox)),
        Effect.flip
      )
      assert.deepStrictEqual([error.kind, error.path], ["Insecure", sandbox.store])
    }))

  it.live.skipIf(process.platform !== "linux")(
    "that cannot be made is an error, and not a search without end",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        sandbox.environment["HOME"] = "/proc"
        const error = yield* Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
          Effect.provide(layerOf(sandbox)),
          Effect.flip
        )
        assert.deepStrictEqual([error.kind, error.path], ["Unavailable", "/proc/.local/state/fly-tokens"])
      })
  )

  it.live("that somebody else makes at the same moment is looked at before it is used", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const racing = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (files) => ({
          ...files,
          makeDirectory: (path: string, options?: Parameters<typeof files.makeDirectory>[1]) =>
            Effect.andThen(
              Effect.promise(async () => {
                if (path !== sandbox.store) return
                await mkdir(path, { recursive: true })
                await chmod(path, 0o777)
              }),
              files.makeDirectory(path, options)
            )
        }))
      ).pipe(Layer.provideMerge(NodeServices.layer))
      const error = yield* Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
        Effect.provide(layerOf(sandbox, racing)),
        Effect.flip
      )
      assert.strictEqual(error.kind, "Insecure")
    }))

  it.live("and those above it are synced when they are made", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const opened: Array<string> = []
      const watching = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (files) => ({
          ...files,
          open: (path: string, options?: Parameters<typeof files.open>[1]) =>
            Effect.suspend(() => {
              opened.push(path)
              return files.open(path, options)
            })
        }))
      ).pipe(Layer.provideMerge(NodeServices.layer))
      yield* Storage.use((storage) => storage.put("my-app", "manual", record("fo1_x"))).pipe(
        Effect.provide(layerOf(sandbox, watching))
      )
      for (const path of [dirname(sandbox.store), sandbox.store, join(sandbox.store, "manual")]) {
        assert.include(opened, path)
      }
    }))

  it.live("that cannot be made or written to is not replaced by another one", () =>
    Effect.gen(function*() {
      for (const [method, code] of [["makeDirectory", "EACCES"], ["open", "EROFS"]] as const) {
        const sandbox = yield* Sandbox.make
        const touched: Array<string> = []
        const watching = Layer.effect(
          FileSystem.FileSystem,
          Effect.map(FileSystem.FileSystem, (files) => {
            const watch =
              <Args extends ReadonlyArray<unknown>, A>(call: (path: string, ...args: Args) => A) =>
              (path: string, ...args: Args) => {
                touched.push(path)
                return call(path, ...args)
              }
            return {
              ...files,
              open: watch(files.open),
              makeDirectory: watch(files.makeDirectory),
              writeFile: watch(files.writeFile),
              writeFileString: watch(files.writeFileString),
              rename: watch(files.rename)
            } as FileSystem.FileSystem
          })
        ).pipe(Layer.provideMerge(failing(method, code)))
        const layer = layerOf(sandbox, watching)
        for (const key of ["manual", "cached"] as const) {
          const error = yield* Effect.flip(
            Effect.provide(Storage.use((storage) => storage.put("my-app", key, record("fo1_x"))), layer)
          )
          assert.strictEqual(error.kind, "Unavailable")
        }
        assert.isAbove(touched.length, 0)
        // Those above it are made, and synced then.
        const isAbove = (path: string) => sandbox.store.startsWith(`${path}/`) && path.startsWith(sandbox.home)
        assert.deepStrictEqual(touched.filter((path) => !isAbove(path) && !path.startsWith(sandbox.store)), [])
      }
    }))

  it.live("is nowhere when HOME is relative or empty", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      for (const home of ["", "relative-home"]) {
        sandbox.environment["HOME"] = home
        const error = yield* Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
          Effect.provide(layerOf(sandbox)),
          Effect.flip
        )
        assert.include(error.message, "FLY_TOKENS_DIR")
      }
    }))

  it.live("is FLY_TOKENS_DIR, else in the state directory of the user", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const put = Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
        Effect.provide(layerOf(sandbox))
      )
      const there = (path: string) =>
        Effect.promise(() => stat(join(path, "cached", "my-app.json")).then(() => true, () => false))
      sandbox.environment["XDG_STATE_HOME"] = join(sandbox.home, "xdg")
      yield* put
      assert.isTrue(yield* there(join(sandbox.home, "xdg", "fly-tokens")))
      sandbox.environment["FLY_TOKENS_DIR"] = join(sandbox.home, "mine", "deep")
      const second = Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x")))
      yield* second.pipe(Effect.provide(layerOf(sandbox)))
      assert.isTrue(yield* there(join(sandbox.home, "mine", "deep")))
    }))

  it.live("that others can write to is refused and not changed; one that they can read is warned of once", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const log = logged()
      yield* Effect.promise(() => mkdir(sandbox.store, { recursive: true }))
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        for (const open of [0o777, 0o720, 0o702]) {
          yield* Effect.promise(() => chmod(sandbox.store, open))
          const error = yield* Effect.flip(storage.put("my-app", "manual", record("fo1_x")))
          assert.deepStrictEqual([error.kind, error.path], ["Insecure", sandbox.store])
          assert.strictEqual((yield* Effect.flip(storage.get("my-app", "manual"))).kind, "Insecure")
          assert.strictEqual(yield* Effect.promise(() => mode(sandbox.store)), open)
        }
        yield* Effect.promise(() => chmod(sandbox.store, 0o755))
        yield* storage.put("my-app", "manual", record("fo1_x"))
        yield* storage.get("my-app", "manual")
        assert.strictEqual(yield* Effect.promise(() => mode(sandbox.store)), 0o755)
        assert.lengthOf(log.lines, 1)
      }).pipe(Effect.provide(Layer.provideMerge(layerOf(sandbox), log.layer)))
    }))

  it.live("of a record that others can read: the record is tightened, with a log line", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const log = logged()
      const file = join(sandbox.store, "cached", "my-app.json")
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        yield* storage.put("my-app", "cached", record("fo1_x"))
        yield* Effect.promise(() => chmod(file, 0o644))
        yield* storage.get("my-app", "cached")
        assert.strictEqual(yield* Effect.promise(() => mode(file)), 0o600)
        assert.lengthOf(log.lines, 1)
      }).pipe(Effect.provide(Layer.provideMerge(layerOf(sandbox), log.layer)))
    }))

  it.live("may be a file, removed while running, or without a home", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        yield* storage.put("my-app", "cached", record("fo1_x"))
        yield* Effect.promise(() => rm(sandbox.store, { recursive: true }))
        assert.isTrue(Option.isNone(yield* storage.get("my-app", "cached")))
        assert.deepStrictEqual(yield* storage.list("cached"), [])
        yield* storage.put("my-app", "cached", record("fo1_y"))
        assert.isTrue(Option.isSome(yield* storage.get("my-app", "cached")))
        yield* Effect.promise(async () => {
          await rm(sandbox.store, { recursive: true })
          await writeFile(sandbox.store, "a file")
        })
        assert.strictEqual((yield* Effect.flip(storage.get("my-app", "cached"))).kind, "Unavailable")
        const error = yield* Effect.flip(storage.put("my-app", "cached", record("fo1_y")))
        assert.include(error.message, "not a directory")
        assert.strictEqual(yield* Effect.promise(() => readFile(sandbox.store, "utf8")), "a file")
      }).pipe(Effect.provide(layerOf(sandbox)))

      const homeless = yield* Sandbox.make
      delete homeless.environment["HOME"]
      const error = yield* Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
        Effect.provide(layerOf(homeless)),
        Effect.flip
      )
      assert.include(error.message, "FLY_TOKENS_DIR")
    }))

  it.live.each(
    [
      ["ENOSPC", "open", "no space left"],
      ["EROFS", "makeDirectory", "read-only"],
      ["EACCES", "open", "permission denied"],
      ["EDQUOT", "rename", "quota"],
      ["EIO", "open", "EIO"]
    ] as const
  )(
    "on a system that answers %s: a typed error, nothing of its text, no temp file left",
    ([code, method, words]) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const error = yield* Storage.use((storage) => storage.put("my-app", "cached", record("fo1_x"))).pipe(
          Effect.provide(layerOf(sandbox, failing(method, code))),
          Effect.flip
        )
        assert.strictEqual(error.kind, "Unavailable")
        assert.include(error.message, words)
        assert.notInclude(JSON.stringify(error) + error.message + error.stack, "fo1_")
        const left = yield* Effect.promise(() => readdir(join(sandbox.store, "cached", ".staged")).catch(() => []))
        assert.deepStrictEqual(left, [])
      })
  )

  /** Files and directories whose sync fails; what else is asked of them works. */
  const unsynced = (code: string, of: "File" | "Directory") =>
    Layer.effect(
      FileSystem.FileSystem,
      Effect.map(FileSystem.FileSystem, (files) => ({
        ...files,
        open: (path: string, options?: Parameters<typeof files.open>[1]) =>
          Effect.map(files.open(path, options), (file) => {
            if ((options?.flag === "wx" ? "File" : "Directory") !== of) return file
            const cause = Object.assign(new Error("with a secret fo1_abc"), { code })
            const sync = Effect.fail(
              PlatformError.systemError({ _tag: "Unknown", module: "FileSystem", method: "sync", cause })
            )
            return new Proxy(file, { get: (target, key) => key === "sync" ? sync : Reflect.get(target, key) })
          })
      }))
    ).pipe(Layer.provideMerge(NodeServices.layer))

  it.live.each(["ERR_ACCESS_DENIED", "EINVAL", "ENOTSUP"])(
    "where a sync of files is refused (%s): they are written without one, which is said once",
    (code) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const log = logged()
        yield* Effect.gen(function*() {
          const storage = yield* Storage
          for (const app of ["app-1", "app-2"]) yield* storage.put(app, "manual", record(`fo1_${app}`))
          assert.isTrue(Option.isSome(yield* storage.get("app-1", "manual")))
        }).pipe(Effect.provide(Layer.provideMerge(layerOf(sandbox, unsynced(code, "File")), log.layer)))
        assert.lengthOf(log.lines, 1)
        assert.include(log.lines[0], `without a sync, which is refused here (${code})`)
        assert.notInclude(log.lines[0], "fo1_")
      })
  )

  it.live("where a sync of directories is refused: nothing is said", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const log = logged()
      yield* Storage.use((storage) => storage.put("my-app", "manual", record("fo1_x"))).pipe(
        Effect.provide(Layer.provideMerge(layerOf(sandbox, unsynced("EINVAL", "Directory")), log.layer))
      )
      assert.deepStrictEqual(log.lines, [])
    }))

  it.live.each([["EIO", "File"], ["ENOSPC", "File"], ["EIO", "Directory"]] as const)(
    "where a sync fails (%s, of a %s): a typed error",
    ([code, of]) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const put = (token: string) => Storage.use((storage) => storage.put("my-app", "manual", record(token)))
        yield* Effect.provide(put("fo1_old"), layerOf(sandbox))
        const error = yield* Effect.flip(put("fo1_new")).pipe(Effect.provide(layerOf(sandbox, unsynced(code, of))))
        assert.strictEqual(error.kind, "Unavailable")
        assert.include(error.message, code)
        const staged = join(sandbox.store, "manual", ".staged")
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(staged)), [])
      })
  )

  /** A file system of its own, 64 kB large; `undefined` where it cannot be mounted. */
  const smallFileSystem = (sandbox: Sandbox.Sandbox) =>
    Effect.gen(function*() {
      const path = join(sandbox.home, "small")
      yield* Effect.promise(() => mkdir(path))
      const mounted = yield* Effect.sync(() =>
        spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", path]).status === 0
      )
      if (!mounted) return undefined
      yield* Effect.addFinalizer(() => Effect.sync(() => spawnSync("umount", ["-l", path])))
      return path
    })
  const noMount = "a file system cannot be mounted here: that needs root and the right to mount"

  it.live("that is full: the app's get works, and a manual token that was there stays", (context) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const small = yield* smallFileSystem(sandbox)
      if (small === undefined) return context.skip(noMount)
      sandbox.environment["FLY_TOKENS_DIR"] = small
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
        yield* Effect.promise(async () => {
          for (let n = 0; n < 64; n++) {
            await writeFile(join(small, `filler-${n}`), "x".repeat(4096)).catch(() => {})
          }
        })
        const error = yield* Effect.flip(tokens.setManual("other-app", FlyToken.make("fo1_other")))
        assert.include(error.message, "no space left")
        assert.strictEqual((yield* tokens.get("other-app")).source, "cli")
      }).pipe(
        Effect.provide(
          Layer.provideMerge(
            FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" }),
            logged().layer
          )
        )
      )
      const manual = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment, chain: ["manual"] }))
      )
      assert.strictEqual(manual.token.value, "fo1_manual")
    }))

  it.live("that is to be made on a read-only file system: set says so, however deep it is", (context) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const small = yield* smallFileSystem(sandbox)
      if (small === undefined) return context.skip(noMount)
      spawnSync("mount", ["-o", "remount,ro", small])
      for (const directory of ["one", "one/two/three"]) {
        sandbox.environment["FLY_TOKENS_DIR"] = join(small, directory)
        const error = yield* Effect.flip(FlyTokens.use((tokens) => tokens.setManual("my-app", FlyToken.make("fo1_x"))))
          .pipe(Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment })))
        assert.include(error.message, "the file system is read-only (EROFS)")
      }
    }))

  it.live("that can be made nowhere: set says so", (context) =>
    Effect.gen(function*() {
      if (process.platform !== "linux") return context.skip("only Linux has /proc")
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_TOKENS_DIR"] = "/proc/nowhere/deep"
      const error = yield* Effect.flip(Storage.use((storage) => storage.put("my-app", "manual", record("fo1_x")))).pipe(
        Effect.provide(layerOf(sandbox))
      )
      assert.strictEqual(error.kind, "Unavailable")
      assert.include(error.message, "ENOENT")
    }))

  it.live("that is read-only: the app's get works, a manual token is read, none can be set", (context) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const small = yield* smallFileSystem(sandbox)
      if (small === undefined) return context.skip(noMount)
      sandbox.environment["FLY_TOKENS_DIR"] = small
      const layer = Layer.provideMerge(
        FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" }),
        logged().layer
      )
      yield* FlyTokens.use((tokens) => tokens.setManual("my-app", FlyToken.make("fo1_manual"))).pipe(
        Effect.provide(layer)
      )
      spawnSync("mount", ["-o", "remount,ro", small])
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const error = yield* Effect.flip(tokens.setManual("my-app", FlyToken.make("fo1_other")))
        assert.include(error.message, "read-only")
        assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
        yield* Effect.promise(() => sandbox.settings({ mode: "not-logged-in" }))
        const rejected = (yield* tokens.get("my-app")).token
        assert.strictEqual((yield* tokens.refresh("my-app", { rejected })).token.value, "fo1_manual")
      }).pipe(Effect.provide(layer))
    }))

  it.live("that is a link to nowhere: the app's get works", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await mkdir(dirname(sandbox.store), { recursive: true })
        await symlink("/proc/fly-tokens-nowhere", sandbox.store)
      })
      const resolved = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(
          Layer.provideMerge(FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" }), logged().layer)
        )
      )
      assert.strictEqual(resolved.source, "cli")
    }))

  it.live("that is removed while running: the app's get works, and the store is made anew", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        // At once, while its writes are under way.
        yield* Effect.promise(() => rename(sandbox.store, `${sandbox.store}.gone`))
        assert.strictEqual((yield* tokens.refresh("my-app")).source, "cli")
        assert.strictEqual((yield* tokens.get("other-app")).source, "cli")
        yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      }).pipe(Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" })))
      // The layer is closed, so its writes are done.
      const names = yield* Effect.promise(() => readdir(join(sandbox.store, "cached")))
      assert.includeMembers(names, ["my-app.json", "other-app.json"])
      const manual = yield* Effect.promise(() => readFile(join(sandbox.store, "manual", "my-app.json"), "utf8"))
      assert.include(manual, "fo1_manual")
    }))

  const broken = ["", "{", "{\"version\":1,\"token\":\"fo1_half", "\u0000\u0000\u0000", "null", "{\"version\":7}"]
  it.live.each(broken)(
    "with corrupt files of every kind (%j): the app's get works, nothing else is touched",
    (text) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const file = (...parts: ReadonlyArray<string>) => join(sandbox.store, ...parts)
        yield* Effect.provide(
          Storage.use((storage) => storage.put("bystander", "manual", record("fo1_bystander"))),
          layerOf(sandbox)
        )
        const bystander = yield* Effect.promise(() => readFile(file("manual", "bystander.json"), "utf8"))
        yield* Effect.promise(async () => {
          const records = [["cached", "my-app.json"], ["manual", "my-app.json"], ["org", "acme.json"], [
            "lease",
            "org.acme.1"
          ]]
          for (const [folder = "", name = ""] of records) {
            await mkdir(file(folder), { recursive: true, mode: 0o700 })
            await writeFile(file(folder, name), text, { mode: 0o600 })
          }
        })
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
          const error = yield* Effect.flip(tokens.setManual("my-app", FlyToken.make("fo1_new")))
          assert.strictEqual(error._tag, "PersistFailed")
          if (error._tag === "PersistFailed") assert.include(error.message, file("manual", "my-app.json"))
        }).pipe(
          Effect.provide(
            Layer.provideMerge(FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" }), logged().layer)
          )
        )
        yield* Effect.promise(async () => {
          assert.strictEqual(await readFile(file("manual", "my-app.json"), "utf8"), text)
          assert.strictEqual(await readFile(file("manual", "bystander.json"), "utf8"), bystander)
          assert.lengthOf(await sandbox.mints(), 1)
        })
      })
  )
})
