/** The store follows memory, behind the callers' backs: what was found is written, what was dropped is deleted. */
import * as Effect from "effect/Effect"
import type { AccessReason } from "../records/StoreAccess.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { StoredToken } from "../services/Storage.ts"
import type { TokenKey } from "../token/TokenKey.ts"
import type { Action } from "./Machine.ts"
import type { Parts } from "./Parts.ts"

type Persist = Extract<Action, { readonly _tag: "Persist" }>

/** Copies of a token that is being replaced do not count: the store may be slow. */
export const replace = ({ book, clock, minted }: Parts, key: TokenKey, identity: string): void => {
  const now = clock.currentTimeMillisUnsafe()
  book.deny(identity, RecordKey.id(RecordKey.cached(key)), now)
  book.deny(identity, "minted", now)
  minted.forget(identity)
}

export const restore = ({ book }: Parts, key: TokenKey, identity: string): void => {
  book.allow(identity, RecordKey.id(RecordKey.cached(key)))
  book.allow(identity, "minted")
}

const recordOf = ({ found: { candidate, source }, resolved }: Persist): StoredToken => {
  const { acquiredAt, fence, org } = candidate
  return {
    token: resolved.token.redacted,
    expiresAt: resolved.expiresAt,
    source: source.name,
    savedAt: acquiredAt,
    ...(fence === undefined ? {} : { fence }),
    ...(org === undefined ? {} : { org })
  }
}

/** Brings the store after what a run found. */
export const persist = (parts: Parts, key: TokenKey, action: Persist): void => {
  const { book, clock, minted, writeBehind, writes } = parts
  const { found, replaced, resolved, run } = action
  const record = RecordKey.cached(key)
  const id = RecordKey.id(record)
  const now = clock.currentTimeMillisUnsafe()
  for (const identity of replaced) book.deny(identity, id, now)
  // What another source gave again may come from the store again.
  if (!found.source.stored) book.allow(resolved.token.identity, id)
  if (found.source.persists) {
    const written = found.candidate.written ?? writes.put(record, recordOf(action))
    // What was to be replaced may be what was in the way.
    const dropReplaced = Effect.forEach(replaced, (identity) => writes.drop(record, identity), { discard: true })
    writeBehind(key.app, Effect.flatMap(written, (isWritten) => isWritten ? Effect.void : dropReplaced))
  } else if (run.purpose === "refresh") {
    // Whichever token is stored there, also one that the run never came to look at.
    const drop = Effect.tap(
      writes.drop(record),
      (stored) => stored === undefined ? Effect.void : minted.deleteStored(stored)
    )
    writeBehind(key.app, drop)
  }
  for (const identity of replaced) deleteMinted(parts, key, identity)
}

/** Deletes a token from the records of what was minted for many. */
export const deleteMinted = ({ minted, writeBehind }: Parts, { app }: TokenKey, identity: string): void => {
  writeBehind(app, minted.deleteStored(identity))
}

/** Deletes a token that Fly refused from the app's record. */
export const dropRejected = ({ book, clock, writeBehind, writes }: Parts, key: TokenKey, identity: string): void => {
  const record = RecordKey.cached(key)
  book.deny(identity, RecordKey.id(record), clock.currentTimeMillisUnsafe())
  writeBehind(key.app, writes.drop(record, identity))
}

/** Deletes the app's record, with `identity` only if it holds that token, and what was minted of what it held. */
export const invalidate = Effect.fnUntraced(function*(
  { minted, writes }: Parts,
  key: TokenKey,
  identity: string | undefined,
  known: string | undefined,
  onDeleted: (identity: string) => void
): Effect.fn.Return<void, AccessReason> {
  const deleted = yield* writes.drop(RecordKey.cached(key), identity)
  if (deleted !== undefined) onDeleted(deleted)
  const identities = new Set([known, deleted].filter((identity) => identity !== undefined))
  yield* Effect.forEach(identities, minted.deleteStored, { discard: true })
})
