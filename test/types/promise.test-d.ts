/**
 * The signatures for programs without Effect.
 */
import type { Layer } from "effect/Layer"
import { expectTypeOf, test } from "vitest"
import type * as root from "../../src/index.ts"
import type * as node from "../../src/node.ts"
import * as promise from "../../src/promise.ts"

type Client = promise.FlyTokensClient

test("clients are made of options, or of any layer of FlyTokens that needs nothing", () => {
  expectTypeOf(promise.createFlyTokens).toEqualTypeOf<(options?: promise.CreateFlyTokensOptions) => Client>()
  expectTypeOf(promise.fromLayer).toEqualTypeOf<
    (layer: Layer<root.FlyTokens, unknown>, options?: promise.ClientOptions) => Client
  >()
})

test("the operations are those of FlyTokens but keep, and on and close", () => {
  expectTypeOf<Exclude<keyof root.FlyTokens["Service"], "events" | "keep">>().toExtend<keyof Client>()
  expectTypeOf<Exclude<keyof Client, keyof root.FlyTokens["Service"]>>().toEqualTypeOf<
    "on" | "close" | typeof Symbol.asyncDispose
  >()
})

test("what they resolve to", () => {
  expectTypeOf<Client["get"]>().toEqualTypeOf<
    (app: string, options?: promise.CallOptions) => Promise<root.ResolvedToken>
  >()
  expectTypeOf<Client["refresh"]>().toEqualTypeOf<
    (app: string, options?: promise.RefreshOptions) => Promise<root.ResolvedToken>
  >()
  expectTypeOf<Client["invalidate"]>().toEqualTypeOf<
    (app: string, options?: promise.RefreshOptions) => Promise<root.ResolvedToken | undefined>
  >()
  expectTypeOf<Client["setManual"]>().toEqualTypeOf<
    (app: string, token: root.FlyToken | string, options?: promise.CallOptions) => Promise<void>
  >()
  expectTypeOf<Client["removeManual"]>().returns.toEqualTypeOf<Promise<void>>()
  expectTypeOf<Client["status"]>().returns.toEqualTypeOf<Promise<root.TokenStatus>>()
  expectTypeOf<Client["statuses"]>().returns.toEqualTypeOf<Promise<ReadonlyArray<root.TokenStatus>>>()
  expectTypeOf<Client["close"]>().returns.toEqualTypeOf<Promise<void>>()
})

test("peek is no promise", () => {
  expectTypeOf<Client["peek"]>().toEqualTypeOf<(app: string) => root.ResolvedToken | undefined>()
})

test("a listener gets the event of its name", () => {
  const on = {} as Client["on"]
  on("RefreshFailed", (event) => {
    expectTypeOf(event).toEqualTypeOf<Extract<root.TokenEvent, { readonly _tag: "RefreshFailed" }>>()
  })
  on("*", (event) => {
    expectTypeOf(event).toEqualTypeOf<root.TokenEvent>()
  })
  expectTypeOf(on("Evicted", () => {})).toEqualTypeOf<() => void>()
  // @ts-expect-error -- no event has this name
  on("Evictd", () => {})
})

test("options are those of FlyTokensNode, with durations as texts or numbers, and log", () => {
  expectTypeOf<keyof promise.CreateFlyTokensOptions>().toEqualTypeOf<
    keyof node.FlyTokensNode.FlyTokensNodeOptions | "log"
  >()
  expectTypeOf<promise.CreateFlyTokensOptions["ttl"]>().toEqualTypeOf<promise.DurationLike | undefined>()
  expectTypeOf<promise.CreateFlyTokensOptions["leaseTtl"]>().toEqualTypeOf<promise.DurationLike | undefined>()
  expectTypeOf<promise.CreateFlyTokensOptions["org"]>().toEqualTypeOf<root.FlyTokensOptions["org"]>()
  expectTypeOf<{ ttl: "12 hours" }>().toExtend<promise.CreateFlyTokensOptions>()
  expectTypeOf<{ ttl: "12 parsecs" }>().not.toExtend<promise.CreateFlyTokensOptions>()
})

test("its errors are the same classes", () => {
  expectTypeOf<typeof promise.NoTokenAvailable>().toEqualTypeOf<typeof root.NoTokenAvailable>()
  expectTypeOf<typeof promise.FlyToken>().toEqualTypeOf<typeof root.FlyToken>()
  expectTypeOf<promise.FlyTokensClosed["_tag"]>().toEqualTypeOf<"FlyTokensClosed">()
})
