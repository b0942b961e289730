/** The login in flyctl's config file, read anew each time: a new login is seen at once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { ConfigFile } from "../../services/ConfigFile.ts"
import type { Candidate, TokenSource } from "../../services/TokenSource.ts"
import { FlyToken } from "../../token/FlyToken.ts"

export const make = (configFile: ConfigFile["Service"]): TokenSource => ({
  name: "config",
  shared: true,
  acquire: () =>
    Effect.flatMap(
      configFile.accessToken,
      // A layer of another copy of this package gives tokens of its own.
      (given) =>
        Effect.map(Clock.currentTimeMillis, (acquiredAt): Candidate => ({ token: FlyToken.make(given), acquiredAt }))
    )
})
