/** Which bodies can be sent a second time. */
import type * as HttpBody from "effect/http/HttpBody"

const isValue = (body: unknown): boolean =>
  typeof body === "string" || body === undefined || body === null || ArrayBuffer.isView(body) ||
  body instanceof ArrayBuffer || body instanceof URLSearchParams || body instanceof Blob || body instanceof FormData

/**
 * Whether a body is a value that is still whole after it was sent. A stream is used up, or would run its effects anew.
 */
export const canBeSentAgain = (body: HttpBody.HttpBody): boolean =>
  body._tag === "Raw" ? isValue(body.body) : body._tag !== "Stream"
