/** A look at a response's body that leaves it whole for the caller. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

export interface Peek {
  /** The body as text; `undefined` if it is longer than the limit. */
  readonly text: string | undefined
  /** The response to hand on: the one that was looked at has been read. */
  readonly response: HttpClientResponse.HttpClientResponse
}

/** By it `HttpClientResponse.toWeb` finds the Web response; of the original one the body has been read. */
const webSource = "~effect/http/HttpClientResponse/WebSource"

const readers = ["arrayBuffer", "text", "json", "formData", "urlParamsBody", "stream"] as const

const withBody = (
  response: HttpClientResponse.HttpClientResponse,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
): HttpClientResponse.HttpClientResponse => {
  const web = new Response(body, { status: response.status, headers: response.headers })
  const copy = HttpClientResponse.fromWeb(response.request, web)
  return Object.create(response, {
    ...Object.fromEntries(readers.map((name) => [name, { get: () => copy[name] }])),
    [webSource]: { value: () => web }
  })
}

const joined = (chunks: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

const hasNoBody = (error: HttpClientError): boolean => error.reason._tag === "EmptyBodyError"

/**
 * Reads a body of at most `limit` bytes. Of a longer one the rest stays where it is, and comes when the caller reads.
 */
export const peek = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Peek, HttpClientError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const read = Effect.gen(function*() {
        const pull = yield* Scope.provide(Stream.toPull(response.stream), scope)
        const chunks: Array<Uint8Array> = []
        let size = 0
        while (size <= limit) {
          const next = yield* Effect.exit(pull)
          if (Exit.isFailure(next)) {
            const fail = Cause.findError(next.cause)
            if (fail._tag === "Success" && Cause.isDone(fail.success)) {
              yield* Scope.close(scope, Exit.void)
              const whole = joined(chunks)
              return { text: new TextDecoder().decode(whole), response: withBody(response, whole) }
            }
            return yield* next as Exit.Exit<never, HttpClientError>
          }
          for (const chunk of next.value) {
            chunks.push(chunk)
            size += chunk.length
          }
        }
        const rest = Stream.ensuring(Stream.fromPull(Effect.succeed(pull)), Scope.close(scope, Exit.void))
        const body = yield* Stream.toReadableStreamEffect(Stream.concat(Stream.fromIterable(chunks), rest))
        return { text: undefined, response: withBody(response, body) }
      })
      return yield* restore(read).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
    })
  ).pipe(
    Effect.catchIf(hasNoBody, () => Effect.succeed({ text: "", response }))
  )
