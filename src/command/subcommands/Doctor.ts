/** `fly-tokens doctor` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { InvalidAppName } from "../../services/TokenError.ts"
import { isAppName } from "../../token/AppName.ts"
import * as Checks from "../diagnosis/Checks.ts"
import * as Services from "../diagnosis/Services.ts"
import { ProblemsFound } from "../Failure.ts"
import { json } from "../Parameters.ts"
import * as RenderDiagnosis from "../RenderDiagnosis.ts"
import * as Terminal from "../Terminal.ts"

/** Checks what tokens depend on. */
export const doctor = Command.make(
  "doctor",
  {
    app: Argument.String("app").pipe(
      Argument.withDescription("An app whose organization is to be checked too"),
      Argument.optional
    ),
    json,
    offline: Flag.Boolean("offline").pipe(
      Flag.withDescription("Ask neither flyctl for apps nor the Machines API for the time"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ app: argument, json, offline }) {
    const app = Option.getOrUndefined(argument)
    if (app !== undefined && !isAppName(app)) return yield* InvalidAppName.of(app)
    const checks = yield* Checks.run({ app, offline })
    yield* Terminal.print(
      json
        ? RenderDiagnosis.diagnosisJson(checks)
        : RenderDiagnosis.diagnosis(checks, { colors: yield* Terminal.canColorStdout })
    )
    const count = RenderDiagnosis.problems(checks)
    if (count > 0) return yield* new ProblemsFound({ count })
  }, Effect.provide(Services.layer))
).pipe(
  Command.withDescription(
    "Check options, environment, flyctl, login, organization, store and clock, and say what to do; exit 1 if there is a problem"
  ),
  Command.withExamples([
    { command: "fly-tokens doctor my-app", description: "Also whether flyctl knows the organization of an app" },
    { command: "fly-tokens doctor --offline", description: "Ask nobody, look only" }
  ])
)
