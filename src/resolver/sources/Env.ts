/** The token of the environment, which flyctl itself takes first. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Environment, tokenOf } from "../../services/Environment.ts"
import { NotFound } from "../../services/MissReason.ts"
import type { Candidate, TokenSource } from "../../services/TokenSource.ts"

/** Made once, because an error takes its time to collect a stack that nobody reads. */
const notSet = new NotFound({ what: "FLY_ACCESS_TOKEN and FLY_API_TOKEN are not set" })

export const make = (environment: Environment["Service"]): TokenSource => ({
  name: "env",
  shared: true,
  acquire: () =>
    Effect.suspend(() => {
      const token = tokenOf(environment)
      return Option.isSome(token)
        ? Effect.map(Clock.currentTimeMillis, (acquiredAt): Candidate => ({ token: token.value, acquiredAt }))
        : Effect.fail(notSet)
    })
})
