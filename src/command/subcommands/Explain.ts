/** `fly-tokens explain` */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Flyctl from "../../layers/fly/Flyctl.ts"
import * as FlyLogin from "../../layers/fly/FlyLogin.ts"
import * as Explanation from "../../resolver/Explanation.ts"
import { config, settingsOf } from "../../resolver/Options.ts"
import { Environment } from "../../services/Environment.ts"
import { InvalidAppName } from "../../services/TokenError.ts"
import { isAppName } from "../../token/AppName.ts"
import * as AppDiagnosis from "../diagnosis/AppDiagnosis.ts"
import * as ServerTime from "../diagnosis/ServerTime.ts"
import * as Services from "../diagnosis/Services.ts"
import { app, json } from "../Parameters.ts"
import * as RenderExplanation from "../RenderExplanation.ts"
import * as Terminal from "../Terminal.ts"

/** What is beside the sources is left out if it does not come. */
const within = <A, R>(effect: Effect.Effect<A, never, R>) =>
  effect.pipe(
    Effect.timeoutOption("12 seconds"),
    Effect.map(Option.getOrUndefined),
    Effect.catchCause(() => Effect.undefined)
  )

/** Shows what each source has for an app. */
export const explain = Command.make(
  "explain",
  { app, json },
  Effect.fnUntraced(function*({ app, json }) {
    if (!isAppName(app)) return yield* InvalidAppName.of(app)
    const settings = yield* settingsOf(yield* config())
    const binary = yield* Services.binary
    const facts = yield* Effect.all({
      explained: Explanation.explain(app, settings),
      inspected: within(Flyctl.inspect(binary)),
      login: within(FlyLogin.read),
      serverTime: within(Effect.map(ServerTime.get, ({ time }) => time))
    }, { concurrency: "unbounded" })
    const now = yield* Clock.currentTimeMillis
    const diagnosis = AppDiagnosis.make({ ...facts, app, now, environment: yield* Environment })
    yield* Terminal.print(
      json
        ? RenderExplanation.explanationJson(diagnosis)
        : RenderExplanation.explanation(diagnosis, { now, colors: yield* Terminal.canColorStdout })
    )
  }, Effect.provide(Services.layer))
).pipe(
  Command.withDescription(
    "Show what each source has for an app and why a token is not taken; mints nothing, writes nothing"
  ),
  Command.withExamples([
    { command: "fly-tokens explain my-app", description: "Which token a get would take, and why not another one" }
  ])
)
