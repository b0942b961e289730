import * as Cache from "effect/Cache"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Scope from "effect/Scope"
import type { EffectClient, Subject } from "./Client.ts"
import * as Runtime from "./runtime.ts"
import * as Source from "./Source.ts"

const tokenOf = (answer: unknown): string => (answer as Source.Token).value

/** Tokens live as long as they do, failures not at all. */
export const effectCache: Subject<EffectClient> = {
  name: "Effect Cache",
  clock: "Effect",
  open: async (source, { movable = false } = {}) => {
    const runtime = await Runtime.make(Layer.empty, movable)
    const cache = await runtime.runPromise(
      Cache.makeWith((_key: string) => Source.effect(source), {
        capacity: 20_000,
        timeToLive: (exit) => Exit.isSuccess(exit) ? exit.value.life : 0
      })
    )
    return {
      ...Runtime.client(runtime, (key) => Cache.get(cache, key)),
      tokenOf,
      replace: (key) => runtime.runPromise(Cache.refresh(cache, key))
    }
  }
}

/** It knows no expiry: a token stays until somebody invalidates it. */
export const rcMap: Subject<EffectClient> = {
  name: "Effect RcMap, scoped",
  clock: "Effect",
  open: async (source, { movable = false } = {}) => {
    const runtime = await Runtime.make(Layer.empty, movable)
    const scope = await runtime.runPromise(Scope.make())
    const map = await runtime.runPromise(
      RcMap.make({ lookup: (_key: string) => Source.effect(source), idleTimeToLive: Infinity }).pipe(
        Effect.provideService(Scope.Scope, scope)
      )
    )
    const get = (key: string) => Effect.scoped(RcMap.get(map, key))
    return {
      ...Runtime.client(runtime, get),
      tokenOf,
      replace: (key) => runtime.runPromise(Effect.andThen(RcMap.invalidate(map, key), get(key)))
    }
  }
}
