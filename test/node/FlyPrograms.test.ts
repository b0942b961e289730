/**
 * The programs that stand under the names of flyctl: copies with other names, other programs, shims, files that cannot be
 * run, and what the system says when a child is started. On the live clock, because children are not on ours.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import { ChildProcessSpawner, make as makeSpawner } from "effect/process/ChildProcessSpawner"
import { closeSync, openSync } from "node:fs"
import { mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Portions from "../../src/concurrency/Portions.ts"
import { Environment, FlyCli } from "../../src/index.ts"
import { identityOf, isOfAShim, listedApps, statusOrg } from "../../src/layers/fly/FlyCliOutput.ts"
import * as Flyctl from "../../src/layers/fly/Flyctl.ts"
import { FlyCliProcess } from "../../src/node.ts"
import * as Command from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

type Options = FlyCliProcess.FlyCliProcessOptions

const cliOf = (sandbox: Sandbox.Sandbox, options: Options = {}) =>
  FlyCliProcess.layer(options).pipe(
    Layer.provide(Environment.layerRecord(sandbox.environment)),
    Layer.provide(NodeServices.layer)
  )

const minted = (cli: FlyCli["Service"]) => cli.mintReadonly("acme", { ttl: Duration.hours(1), environmentToken: true })

const mint = (sandbox: Sandbox.Sandbox, options: Options = {}) =>
  FlyCli.use(minted).pipe(Effect.provide(cliOf(sandbox, options)))

const inspect = (sandbox: Sandbox.Sandbox, binary?: string) =>
  Flyctl.inspect(binary).pipe(
    Effect.provide(Layer.merge(Environment.layerRecord(sandbox.environment), NodeServices.layer))
  )

const script = (path: string, text: string) => Effect.promise(() => writeFile(path, text, { mode: 0o755 }))

/** The stand-in under another name alone. */
const called = Effect.fnUntraced(function*(name: string) {
  const sandbox = yield* Sandbox.make
  yield* Effect.promise(() => rename(join(sandbox.bin, "flyctl"), join(sandbox.bin, name)))
  return sandbox
})

const answer = (stdout: string, exitCode = 0, stderr = "") => ({ exitCode, stdout, stderr })

describe("what a program is", () => {
  it("is said by what flyctl alone says, and by what it never says", () => {
    const line = "{\"Name\":\"fly.exe\",\"Version\":\"0.4.87\",\"Commit\":\"x\",\"OS\":\"windows\"}\n"
    assert.strictEqual(identityOf(answer(line)), "flyctl")
    assert.strictEqual(identityOf(answer(`Warning: something\n${line}`)), "flyctl")
    assert.strictEqual(identityOf(answer("7.11.2\n")), "another")
    assert.strictEqual(identityOf(answer("{\"version\":\"7.11.2\"}\n")), "another")
    assert.strictEqual(identityOf(answer("", 1, "error: Unknown command `version'. Please specify one")), "another")
    assert.strictEqual(identityOf(answer("", 1, "error: unknown flag `json'")), "another")
    assert.strictEqual(identityOf(answer("", 127, "sh: 1: fly: not found")), "nothing")
    assert.strictEqual(identityOf(answer("", 126, "No version is set for command fly")), "nothing")
    for (
      const [exitCode, stderr] of [
        [1, "Error: failed ensuring config directory perms: open /home/x/.fly: read-only file system"],
        [1, "Error: yaml: line 2: did not find expected key"],
        [1, "Error: unknown flag: --json"],
        [126, "Error: context deadline exceeded"],
        [127, ""],
        [3, "Oops, something went wrong!"],
        [1, ""]
      ] as const
    ) assert.strictEqual(identityOf(answer("", exitCode, stderr)), "unclear", stderr)
  })

  it.live.each(["fly", "flyctl-0.4.87", "fly.exe"])(
    "a copy called %s is flyctl, also after a call that failed",
    (name) =>
      Effect.gen(function*() {
        const sandbox = yield* called(name)
        const binary = join(sandbox.bin, name)
        yield* Effect.gen(function*() {
          const cli = yield* FlyCli
          yield* Effect.promise(() => sandbox.settings({ mode: "exit-7" }))
          assert.strictEqual((yield* Effect.flip(minted(cli)))._tag, "ExitCode")
          yield* Effect.promise(() => sandbox.settings({}))
          assert.isUndefined((yield* minted(cli)).malformed)
        }).pipe(Effect.provide(cliOf(sandbox, { binary })))
        assert.deepStrictEqual((yield* inspect(sandbox, binary)).used, {
          _tag: "Found",
          path: binary,
          version: "0.4.87",
          failure: undefined
        })
      })
  )

  it.live("nothing is concluded where flyctl cannot say its version: it fails as it does, and heals", () =>
    Effect.gen(function*() {
      const sandbox = yield* called("fly")
      const settings = { mode: "exit-7", modes: { version: "exit-7" } }
      yield* Effect.promise(() => sandbox.settings(settings))
      yield* Effect.gen(function*() {
        const cli = yield* FlyCli
        assert.strictEqual((yield* Effect.flip(minted(cli)))._tag, "ExitCode")
        assert.strictEqual((yield* inspect(sandbox)).used._tag, "Found")
        yield* Effect.promise(() => sandbox.settings({}))
        assert.isUndefined((yield* minted(cli)).malformed)
      }).pipe(Effect.provide(cliOf(sandbox)))
    }))

  it.live("another program is another one until its file changes", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const fly = join(sandbox.bin, "fly")
      yield* Effect.promise(() => unlink(join(sandbox.bin, "flyctl")))
      yield* script(fly, "#!/bin/sh\necho 7.11.2\n")
      yield* Effect.gen(function*() {
        const cli = yield* FlyCli
        assert.strictEqual((yield* Effect.flip(minted(cli)))._tag, "NotFlyctl")
        yield* Effect.promise(async () => {
          await unlink(fly)
          await sandbox.install("fly")
        })
        assert.isUndefined((yield* minted(cli)).malformed)
      }).pipe(Effect.provide(cliOf(sandbox)))
    }))
})

describe("a file that cannot be run, whatever its mode says", () => {
  /** The interpreter is no program: the system says EACCES, as it does on a mount that is `noexec`. */
  const forbidden = "#!/etc/passwd\n"

  it.live("does not end the search on PATH", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const first = join(sandbox.home, "first")
      yield* Effect.promise(() => mkdir(first))
      sandbox.environment["PATH"] = `${first}:${sandbox.environment["PATH"]}`
      for (const text of [forbidden, "#!/nowhere/interpreter\n"]) {
        yield* script(join(first, "flyctl"), text)
        assert.isUndefined((yield* mint(sandbox)).malformed)
        const { used } = yield* inspect(sandbox)
        assert.strictEqual(used._tag === "Found" && used.path, join(sandbox.bin, "flyctl"))
      }
      // Where it is the only one, it is what is told.
      yield* Effect.promise(() => unlink(join(sandbox.bin, "flyctl")))
      const reason = yield* Effect.flip(mint(sandbox))
      assert.deepStrictEqual([reason._tag, reason.message], [
        "NotExecutable",
        `${join(first, "flyctl")} cannot be run`
      ])
      const { used } = yield* inspect(sandbox)
      assert.strictEqual(used._tag === "Missing" && used.reason._tag, "NotExecutable")
    }))

  it.live("that is being upgraded is tried once more", () =>
    Effect.gen(function*() {
      const sandbox = yield* called("real")
      const flyctl = join(sandbox.bin, "flyctl")
      yield* script(flyctl, `#!/bin/sh\nexec ${join(sandbox.bin, "real")} "$@"\n`)
      const writing = openSync(flyctl, "r+")
      const running = yield* Effect.forkChild(mint(sandbox))
      // Shorter than the moment after which it is tried again.
      yield* Effect.sleep("200 millis")
      closeSync(writing)
      assert.isUndefined((yield* Fiber.join(running)).malformed)

      const held = openSync(flyctl, "r+")
      const reason = yield* Effect.flip(mint(sandbox))
      closeSync(held)
      assert.strictEqual(reason._tag === "Defect" && reason.kind, "ETXTBSY")
    }))
})

describe("a start that fails in any way is a reason", () => {
  const thrown = (code: string) => Object.assign(new Error("a secret fm2_c2VjcmV0c2VjcmV0"), { code })
  const system = (code: string) =>
    PlatformError.systemError({ _tag: "Unknown", module: "ChildProcess", method: "spawn", cause: thrown(code) })

  const failing = Effect.fnUntraced(function*(start: () => Effect.Effect<never, PlatformError.PlatformError>) {
    const sandbox = yield* Sandbox.make
    let starts = 0
    const spawner = Layer.succeed(ChildProcessSpawner)(makeSpawner(() => {
      starts++
      return start()
    }))
    const platform = Layer.mergeAll(spawner, NodeFileSystem.layer, NodePath.layer)
    const reason = yield* FlyCli.use(minted).pipe(
      Effect.flip,
      Effect.provide(
        FlyCliProcess.layer().pipe(
          Layer.provide(Environment.layerRecord(sandbox.environment)),
          Layer.provide(platform)
        )
      )
    )
    assert.notInclude(JSON.stringify(reason) + reason.message + reason.hint, "secret")
    return [reason._tag === "Defect" ? reason.kind : reason._tag, starts]
  })

  it.live.each(
    [
      ["ENOEXEC", "NotExecutable", 1],
      ["EACCES", "NotExecutable", 1],
      ["ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED", 1],
      ["E2BIG", "E2BIG", 1],
      ["ETXTBSY", "ETXTBSY", 2],
      ["EMFILE", "EMFILE", 2],
      ["ENFILE", "ENFILE", 2],
      ["EAGAIN", "EAGAIN", 2],
      ["ENOMEM", "ENOMEM", 2],
      ["not a code", "Error", 1]
    ] as const
  )("%s, thrown, died of or failed with: %s, tried %s times", ([code, expected, times]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* failing(() => {
          throw thrown(code)
        }),
        [expected, times]
      )
      assert.deepStrictEqual(yield* failing(() => Effect.die(thrown(code))), [expected, times])
      assert.deepStrictEqual(
        yield* failing(() => Effect.fail(system(code))),
        [expected === "Error" ? "PlatformError" : expected, times]
      )
    }))

  it.live("what is thrown may be anything", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* failing(() => Effect.die("fm2_secret")), ["string", 1])
      assert.deepStrictEqual(yield* failing(() => Effect.die(undefined)), ["undefined", 1])
    }))
})

describe("a shim", () => {
  /** As asdf's: the version is that of a variable, or of a file from the working directory upward. */
  const asdf = `#!/bin/sh
version=$ASDF_FLYCTL_VERSION
dir=$PWD
while [ -z "$version" ] && [ "$dir" != / ]; do
  [ -f "$dir/.tool-versions" ] && version=$(sed -n 's/^flyctl //p' "$dir/.tool-versions")
  dir=$(dirname "$dir")
done
if [ -z "$version" ]; then
  echo "No version is set for command flyctl" >&2
  echo "Consider adding one of the following versions in your config file at $PWD/.tool-versions" >&2
  exit 126
fi
exec "\${ASDF_DATA_DIR:-$HOME/.asdf}/installs/flyctl/$version/bin/flyctl" "$@"
`
  /** As mise's. */
  const mise = `#!/bin/sh
if ! grep -qs '^flyctl' "$PWD/mise.toml"; then
  printf '\\033[31mmise\\033[0m ERROR No version is set for shim: flyctl\\n' >&2
  exit 1
fi
exec "\${MISE_DATA_DIR:-\${XDG_DATA_HOME:-$HOME/.local/share}/mise}/installs/flyctl/latest/bin/flyctl" "$@"
`

  const shimmed = Effect.fnUntraced(function*(text: string, data: string, version: string) {
    const sandbox = yield* called("elsewhere")
    const project = join(sandbox.home, "project")
    const installed = join(sandbox.home, data, "installs", "flyctl", version, "bin")
    yield* Effect.promise(async () => {
      await mkdir(project)
      await sandbox.install("flyctl", installed)
      await writeFile(join(project, "fly.toml"), "app = \"another-app\"\n[this is no toml\n")
    })
    yield* script(join(sandbox.bin, "flyctl"), text)
    return { sandbox, project, installed }
  })
  /** As a program would that was started elsewhere; without a directory, where its own was removed. */
  const mintIn = (sandbox: Sandbox.Sandbox, directory: string | undefined) => {
    const paths = Layer.effect(
      Path.Path,
      Effect.map(Path.Path, (paths) => ({
        ...paths,
        resolve: (...parts: ReadonlyArray<string>) => {
          if (directory === undefined && !parts.some((part) => paths.isAbsolute(part))) {
            throw new Error("ENOENT: uv_cwd")
          }
          return paths.resolve(directory ?? "/", ...parts)
        }
      }))
    ).pipe(Layer.provide(NodePath.layer))
    return Effect.result(FlyCli.use(minted)).pipe(
      Effect.map(({ _tag }) => _tag),
      Effect.provide(
        FlyCliProcess.layer().pipe(
          Layer.provide(Environment.layerRecord(sandbox.environment)),
          Layer.provide(Layer.merge(NodeServices.layer, paths))
        )
      )
    )
  }

  it("is known by its words", () => {
    const said = (exitCode: number, stderr: string) => isOfAShim({ exitCode, stderr, stdout: "" })
    assert.isTrue(said(126, "No version is set for command flyctl"))
    assert.isTrue(said(1, "\u001b[31mmise\u001b[0m ERROR No version is set for shim: flyctl"))
    assert.isTrue(said(127, "Volta error: Could not find executable \"flyctl\""))
    assert.isFalse(said(1, "Error: no access token available. Please login with 'flyctl auth login'"))
    assert.isFalse(said(1, "\u001b[31mError\u001b[0m: something"))
    assert.isFalse(said(1, "Error loading config While parsing config: yaml: line 2"))
    assert.isFalse(said(127, ""))
    assert.isFalse(said(137, "line 1: 5 Killed"))
    assert.isFalse(said(0, "a warning"))
  })

  it.live("of asdf finds the version of the caller's directory, or of its variable", () =>
    Effect.gen(function*() {
      const { project, sandbox } = yield* shimmed(asdf, "data", "0.4.87")
      sandbox.environment["ASDF_DATA_DIR"] = join(sandbox.home, "data")
      assert.strictEqual(yield* mintIn(sandbox, project), "Failure")
      yield* Effect.promise(() => writeFile(join(project, ".tool-versions"), "flyctl 0.4.87\n"))
      assert.strictEqual(yield* mintIn(sandbox, project), "Success")
      assert.strictEqual(yield* mintIn(sandbox, undefined), "Failure")
      sandbox.environment["ASDF_FLYCTL_VERSION"] = "0.4.87"
      assert.strictEqual(yield* mintIn(sandbox, undefined), "Success")
    }))

  it.live("of mise, with its own variables and those of XDG", () =>
    Effect.gen(function*() {
      const { project, sandbox } = yield* shimmed(mise, "data/mise", "latest")
      yield* Effect.promise(() => writeFile(join(project, "mise.toml"), "[tools]\nflyctl = \"latest\"\n"))
      assert.strictEqual(yield* mintIn(sandbox, project), "Failure")
      sandbox.environment["XDG_DATA_HOME"] = join(sandbox.home, "data")
      assert.strictEqual(yield* mintIn(sandbox, project), "Success")
      delete sandbox.environment["XDG_DATA_HOME"]
      sandbox.environment["MISE_DATA_DIR"] = join(sandbox.home, "data", "mise")
      assert.strictEqual(yield* mintIn(sandbox, project), "Success")
      assert.strictEqual(yield* mintIn(sandbox, sandbox.home), "Failure")
    }))

  it.live("that was found is asked where the caller is at once, and each mint is one", () =>
    Effect.gen(function*() {
      const { installed, project, sandbox } = yield* shimmed(asdf, "data", "0.4.87")
      sandbox.environment["ASDF_DATA_DIR"] = join(sandbox.home, "data")
      yield* Effect.promise(() => writeFile(join(project, ".tool-versions"), "flyctl 0.4.87\n"))
      // The command as it is run in the project.
      const { code, stderr } = yield* Command.run(sandbox, ["get", "my-app", "--json"], "", project)
      assert.strictEqual(code, 0, stderr)
      const text = yield* Effect.promise(() => readFile(join(installed, "calls.jsonl"), "utf8"))
      const starts = text.trim().split("\n").map((line) => JSON.parse(line)).filter(({ event }) => event === "start")
      assert.deepStrictEqual(starts.map(({ args, cwd }) => [args[0], cwd]), [["status", project], ["tokens", project]])
      assert.deepStrictEqual(starts[0].args, ["status", "-a", "my-app", "--json"])
    }), 60_000)

  it.live("flyctl itself is run away from the caller's fly.toml, also if that directory is gone", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const project = join(sandbox.home, "project")
      yield* Effect.promise(async () => {
        await mkdir(project)
        await writeFile(join(project, "fly.toml"), "[this is no toml\n")
      })
      assert.strictEqual(yield* mintIn(sandbox, project), "Success")
      assert.strictEqual(yield* mintIn(sandbox, undefined), "Success")
      // One that fails as flyctl does is not run again there.
      yield* Effect.promise(() => sandbox.settings({ mode: "exit-7" }))
      assert.strictEqual(yield* mintIn(sandbox, project), "Failure")
      const starts = (yield* Effect.promise(sandbox.calls)).filter(({ event }) => event === "start")
      assert.deepStrictEqual(starts.map(({ cwd }) => cwd), [sandbox.bin, sandbox.bin, sandbox.bin])
    }))
})

describe("answers about organizations", () => {
  it("a wrong row is left out, not the whole list", () => {
    const row = (Name: unknown, Slug: unknown) => ({ Name, Organization: { Slug } })
    const read = (rows: unknown) => Portions.atOnce(listedApps(JSON.stringify(rows)))
    const listed = read([row("app-1", "acme"), row("app-2", ""), row("app-3", "-t"), row("-a", "acme"), {
      Name: "app-4"
    }, 7])
    assert.deepStrictEqual(listed._tag === "Some" && [...listed.value], [["app-1", "acme"]])
    assert.deepStrictEqual(read([])._tag, "Some")
    assert.deepStrictEqual(read([1, 2])._tag, "None")
    assert.deepStrictEqual(read({ a: 1 })._tag, "None")
  })

  it("a status without a slug is no status", () => {
    const read = (slug: string) => Portions.atOnce(statusOrg(JSON.stringify({ Organization: { Slug: slug } })))
    assert.strictEqual(read("")._tag, "None")
    assert.strictEqual(read("acme")._tag, "Some")
  })
})
