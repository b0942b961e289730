/**
 * Writes records as fast as it can until it is killed. Tells each manual token that the store acknowledged, by one line
 * that is out before the next write begins.
 *
 * `node storeWriter.ts DIRECTORY FIRST COUNT`: apps `app-FIRST` and so on. It begins when it reads something.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { writeSync } from "node:fs"
import * as StorageFileSystem from "../../src/layers/file/StorageFileSystem.ts"
import { Environment } from "../../src/services/Environment.ts"
import { Storage, type StorageKey } from "../../src/services/Storage.ts"
import { sealed } from "./sealed.ts"

const [directory = "", first = "0", count = "1"] = process.argv.slice(2)
const apps = Array.from({ length: Number(count) }, (_, n) => `app-${Number(first) + n}`)

const keys = ["manual", "cached", "org"] as const

const started = new Promise((resolve) => process.stdin.once("data", resolve))

const program = Effect.gen(function*() {
  const storage = yield* Storage
  const write = (app: string, key: StorageKey, n: number) => {
    const put = storage.put(app, key, {
      token: Redacted.make(sealed(app, key, n, 20 + (n * 37) % 3_000)),
      expiresAt: null,
      source: "cli",
      savedAt: n / 1000,
      ...(key === "manual" ? {} : { fence: n })
    })
    // Another writer of this app may be ahead.
    return Effect.catchIf(put, (error) => error.kind === "Superseded", () => Effect.void)
  }
  const first = Date.now() * 1000
  // The first writes of a process are slow, and it is the later ones that are to be hit.
  for (let n = 0; n < 5; n++) yield* write("warm", "cached", first + n)
  writeSync(1, "ready\n")
  yield* Effect.promise(() => started)
  // Any key can be the first one: where writes are slow a writer that is soon killed does not come to the last one.
  for (let i = Math.floor(Math.random() * apps.length * keys.length);; i++) {
    const app = apps[i % apps.length]!
    const key = keys[Math.floor(i / apps.length) % keys.length]!
    // What is written last is the newest.
    const n = Date.now() * 1000 + i
    yield* write(app, key, n)
    if (key === "manual") writeSync(1, `${app} ${n}\n`)
  }
})

const layer = StorageFileSystem.layer({ directory }).pipe(
  Layer.provide([NodeFileSystem.layer, NodePath.layer, Environment.layerRecord({})])
)

void Effect.runPromise(Effect.provide(program, layer))
