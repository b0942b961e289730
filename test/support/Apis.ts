/**
 * The stand-in for Fly's APIs within the scope of a test, and the clients of Effect that talk to it.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { createServer, type ServerResponse } from "node:http"
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

/** A server that answers each request by the next of these, the last one again and again. */
export const serving = (...answers: ReadonlyArray<(response: ServerResponse) => void>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      let served = 0
      let closed = 0
      const server = createServer((request, response) => {
        request.resume()
        response.on("close", () => closed++)
        answers[Math.min(served++, answers.length - 1)]!(response)
      })
      await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)))
      const address = server.address()
      return {
        server,
        url: new URL(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`),
        served: () => served,
        closed: () => closed
      }
    }),
    ({ server }) =>
      Effect.promise(() =>
        new Promise((resolve) => {
          server.close(resolve)
          server.closeAllConnections()
        })
      )
  )
