/** The token that a person set for the app. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StoreReads } from "../../records/StoreReads.ts"
import { type MissReason, NotFound } from "../../services/MissReason.ts"
import * as RecordKey from "../../services/RecordKey.ts"
import type { TokenSource } from "../../services/TokenSource.ts"
import type { AppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"

const notSet = new NotFound({ what: "no manual token set" })

export const name = "manual"

/** `known` are the tokens that were read or set before. */
export const make = ({ read }: Pick<StoreReads, "read">, known: Map<AppName, FlyToken>): TokenSource => ({
  name,
  lastResort: true,
  acquire: Effect.fnUntraced(function*({ key, misses }) {
    const { app } = key
    const stored = Effect.flatMap(
      read(RecordKey.manual(app), misses),
      (record) => Option.isSome(record) ? Effect.succeed(FlyToken.make(record.value.token)) : Effect.fail(notSet)
    )
    const token = yield* Effect.catch(stored, (reason: MissReason) => {
      if (reason._tag === "NotFound") known.delete(app)
      // It cannot be had again from anywhere else: the store may fail, once it is known.
      const token = known.get(app)
      return token === undefined ? Effect.fail(reason) : Effect.succeed(token)
    })
    known.set(app, token)
    // It is not older for having been set long ago: it counts from when it is taken.
    return { token, acquiredAt: yield* Clock.currentTimeMillis }
  })
})
