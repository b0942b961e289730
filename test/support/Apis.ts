/**
 * The stand-in for Fly's APIs within the scope of a test, and the clients of Effect that talk to it.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as machines from "../stand-in/machines.mjs"

export const start = (options?: Parameters<typeof machines.start>[0]) =>
  Effect.acquireRelease(
    Effect.promise(() => machines.start(options)),
    (server) => Effect.promise(() => server.close())
  )

export const clients = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp
}
