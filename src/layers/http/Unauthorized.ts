/** How Fly's APIs say that they do not take a token: with a 401, or in the body of a GraphQL answer. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type HttpClientError, isHttpClientError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import type { ApiTarget } from "../../token/FlyToken.ts"

/** An answer, and whether it refuses the token. */
export interface Answer {
  readonly response: HttpClientResponse.HttpClientResponse
  readonly refused: boolean
}

/** An answer that refuses a token is a few hundred bytes. */
const longestRefusal = 65_536

const json = /^application\/(?:[\w.+-]+\+)?json\b/i

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isUnauthorized = (error: unknown): boolean =>
  isRecord(error) && isRecord(error["extensions"]) && error["extensions"]["code"] === "UNAUTHORIZED"

/**
 * Whether the text is a GraphQL answer that refuses the token: an error `UNAUTHORIZED`, and no data. With data a part of
 * the operation was carried out, a mutation perhaps: that is not to be sent again.
 */
export const refusesInGraphql = (text: string): boolean => {
  // Most answers are found to be no refusal without being parsed.
  if (!text.includes("UNAUTHORIZED")) return false
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return false
  }
  if (!isRecord(body) || !Array.isArray(body["errors"]) || !body["errors"].some(isUnauthorized)) return false
  const data = body["data"] ?? {}
  return isRecord(data) && Object.values(data).every((value) => value === null)
}

/** By it `HttpClientResponse.toWeb` finds the Web response; of the original one the body has been read. */
const webSource = "~effect/http/HttpClientResponse/WebSource"

const readers = ["arrayBuffer", "text", "json", "formData", "urlParamsBody", "stream"] as const

/** The response with its body from somewhere else. */
const withBody = (
  response: HttpClientResponse.HttpClientResponse,
  body: ReadableStream<Uint8Array<ArrayBuffer>>
): HttpClientResponse.HttpClientResponse => {
  const web = new Response(body, { status: response.status, headers: response.headers })
  const copy = HttpClientResponse.fromWeb(response.request, web)
  return Object.create(response, {
    ...Object.fromEntries(readers.map((name) => [name, { get: () => copy[name] }])),
    [webSource]: { value: () => web }
  })
}

/** A text of at most `limit` bytes; `undefined` if there is more. */
const textWithin = async (reader: ReadableStreamDefaultReader<Uint8Array>, limit: number) => {
  const decoder = new TextDecoder()
  let text = ""
  for (let size = 0; size <= limit;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.length
    text += decoder.decode(value, { stream: true })
  }
  return undefined
}

const quietly = (cancelled: Promise<void>) => void cancelled.catch(() => {})

/** Judges an answer by the beginning of its body, and leaves the whole of it to the caller. */
const judgeBody = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Answer, HttpClientError> =>
  Effect.acquireUseRelease(
    Effect.map(Stream.toReadableStreamEffect(response.stream), (stream) => {
      const [looked, body] = stream.tee()
      return { reader: looked.getReader(), body: body as ReadableStream<Uint8Array<ArrayBuffer>> }
    }),
    ({ body, reader }) =>
      Effect.map(
        Effect.promise(() => textWithin(reader, longestRefusal)),
        (text) => ({ response: withBody(response, body), refused: text !== undefined && refusesInGraphql(text) })
      ),
    ({ body, reader }, exit) =>
      Effect.sync(() => {
        // Not waited for: a branch is cancelled when both are.
        quietly(reader.cancel())
        if (Exit.isFailure(exit)) quietly(body.cancel())
      })
  ).pipe(
    // The readable stream rejects with what Effect's stream failed with.
    Effect.catchDefect((error) => {
      if (!isHttpClientError(error)) return Effect.die(error)
      return error.reason._tag === "EmptyBodyError" ? Effect.succeed({ response, refused: false }) : Effect.fail(error)
    })
  )

/** Judges an answer: 401 from any API, or 200 from GraphQL with an error `UNAUTHORIZED` in the first 64 KiB. */
export const judge = (
  target: ApiTarget,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Answer, HttpClientError> =>
  target === "graphql" && response.status === 200 && json.test(response.headers["content-type"] ?? "")
    ? judgeBody(response)
    : Effect.succeed({ response, refused: response.status === 401 })
