/**
 * Tokens that show by themselves whether they are whole, and where they belong.
 */
import { createHash } from "node:crypto"

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16)

/** A token of about `length` characters for a record, the `n`th. */
export const sealed = (name: string, key: string, n: number, length: number): string => {
  const text = `${name}/${key}/${n}/${"x".repeat(length)}`
  return `fo1_${digest(text)}.${text}`
}

/** The number of a token that is whole and belongs to the record; `undefined` otherwise. */
export const numberOf = (token: string, name: string, key: string): number | undefined => {
  const [, seal, text] = /^fo1_([0-9a-f]{16})\.(.*)$/.exec(token) ?? []
  if (text === undefined || digest(text) !== seal) return undefined
  const [itsName, itsKey, n] = text.split("/")
  return itsName === name && itsKey === key ? Number(n) : undefined
}
