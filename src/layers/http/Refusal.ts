/** How Fly's APIs say that they do not take a token. */
import * as Effect from "effect/Effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import type { ApiTarget } from "../../token/FlyToken.ts"
import { peek } from "./Peek.ts"

/** An answer, and whether it refuses the token. */
export interface Answer {
  readonly response: HttpClientResponse
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

/** Judges an answer: 401 from any API, or 200 from GraphQL with an error `UNAUTHORIZED` in the first 64 KiB. */
export const judge = (target: ApiTarget, response: HttpClientResponse): Effect.Effect<Answer, HttpClientError> => {
  if (target !== "graphql" || response.status !== 200 || !json.test(response.headers["content-type"] ?? "")) {
    return Effect.succeed({ response, refused: response.status === 401 })
  }
  return Effect.map(peek(response, longestRefusal), ({ response, text }) => ({
    response,
    refused: text !== undefined && refusesInGraphql(text)
  }))
}
