/** `fly-tokens explain` */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Flyctl from "../../layers/fly/Flyctl.ts"
import * as FlyLogin from "../../layers/fly/FlyLogin.ts"
import * as Explanation from "../../resolver/Explanation.ts"
import { Environment } from "../../services/Environment.ts"
import { InvalidAppName } from "../../services/TokenError.ts"
import { isAppName } from "../../token/AppName.ts"
import { configuredSettings } from "../ConfiguredSettings.ts"
import * as AppDiagnosis from "../doctor/AppDiagnosis.ts"
import * as Facts from "../doctor/Facts.ts"
import * as ServerTime from "../doctor/ServerTime.ts"
import * as Output from "../Output.ts"
import { app, json } from "./Parameters.ts"

/** What is beside the sources is left out if it does not come. */
const orNothing = <A, R>(effect: Effect.Effect<A, never, R>) => Effect.map(Facts.find(effect), Result.getOrUndefined)

export const explain = Command.make(
  "explain",
  { app, json },
  Effect.fnUntraced(function*({ app, json: asJson }) {
    if (!isAppName(app)) return yield* InvalidAppName.of(app)
    const settings = yield* configuredSettings
    const facts = yield* Effect.all({
      explained: Explanation.explain(app, settings),
      inspected: orNothing(Effect.flatMap(Facts.binary, Flyctl.inspect)),
      login: orNothing(FlyLogin.read),
      server: orNothing(ServerTime.ask)
    }, { concurrency: "unbounded" })
    const now = yield* Clock.currentTimeMillis
    const diagnosis = AppDiagnosis.make({ ...facts, app, now, environment: yield* Environment })
    yield* Output.show({
      asJson,
      json: AppDiagnosis.json(diagnosis),
      text: (colors) => AppDiagnosis.text(diagnosis, { now, colors })
    })
  }, Effect.provide(Facts.services))
).pipe(
  Command.withDescription(
    "Show what each source has for an app and why a token is not taken; mints nothing, writes nothing"
  ),
  Command.withExamples([
    { command: "fly-tokens explain my-app", description: "Which token a get would take, and why not another one" }
  ])
)
