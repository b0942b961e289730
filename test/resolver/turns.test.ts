import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Background from "../../src/concurrency/Background.ts"
import * as Turns from "../../src/concurrency/Turns.ts"

const many = Array.from({ length: 1_000 })

describe("many who wait for their turn", () => {
  const layer = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const { fork } = yield* Scope.provide(Background.make, scope)
    return { turns: Turns.make(fork), close: Scope.close(scope, Exit.void) }
  })

  it.effect("go on in portions", () =>
    Effect.gen(function*() {
      const { turns } = yield* layer
      let gone = 0
      const all = yield* Effect.forkChild(
        Effect.forEach(many, () => Effect.andThen(turns.turn, Effect.sync(() => gone++)), { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      assert.strictEqual(gone, 32)
      yield* Fiber.join(all)
      assert.strictEqual(gone, 1_000)
    }))

  it.effect("all go on when the layer closes", () =>
    Effect.gen(function*() {
      const { close, turns } = yield* layer
      const all = yield* Effect.forkChild(Effect.forEach(many, () => turns.turn, { concurrency: "unbounded" }), {
        startImmediately: true
      })
      yield* close
      yield* Fiber.join(all)
    }))

  it.effect("all go on when the layer has closed", () =>
    Effect.gen(function*() {
      const { close, turns } = yield* layer
      yield* close
      yield* Effect.forEach(many, () => turns.turn, { concurrency: "unbounded" })
    }))
})
