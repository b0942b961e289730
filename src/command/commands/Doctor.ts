/** `fly-tokens doctor` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { InvalidAppName } from "../../services/TokenError.ts"
import { isAppName } from "../../token/AppName.ts"
import { shown } from "../../token/Redaction.ts"
import * as Checks from "../doctor/Checks.ts"
import * as Facts from "../doctor/Facts.ts"
import * as Finding from "../doctor/Finding.ts"
import { ExitWith } from "../Failure.ts"
import * as Output from "../Output.ts"
import * as Render from "../Render.ts"
import { json } from "./Parameters.ts"

const count = (checks: ReadonlyArray<Checks.Check>, level: Finding.Level): number =>
  checks.flatMap(({ findings }) => findings).filter((finding) => finding.level === level).length

/** A line per finding, what to do below it, and the sum. */
export const text = (checks: ReadonlyArray<Checks.Check>, colors: boolean): string => {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2
  const sum = (level: Finding.Level) => Render.plural(count(checks, level), level).replace(/^0/, "no")
  return [
    ...checks.flatMap(({ findings, name }) =>
      findings.flatMap(({ hint, level, message }) => [
        `${Finding.label(level, colors, 11)}${name.padEnd(width)}${shown(message)}`,
        ...(hint === null ? [] : [Render.hint(hint, 11 + width, colors)])
      ])
    ),
    "",
    `${sum("problem")}, ${sum("warning")}`
  ].join("\n")
}

/** The same for JSON. */
export const asJson = (checks: ReadonlyArray<Checks.Check>) => ({
  problems: count(checks, "problem"),
  warnings: count(checks, "warning"),
  findings: checks.flatMap(({ findings, name }) => findings.map((finding) => ({ check: name, ...finding })))
})

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
    const checks = yield* Checks.run(app, offline)
    yield* Output.show({ asJson: json, json: asJson(checks), text: (colors) => text(checks, colors) })
    if (count(checks, "problem") > 0) return yield* new ExitWith({ exitCode: 1 })
  }, Effect.provide(Facts.services))
).pipe(
  Command.withDescription(
    "Check options, environment, flyctl, login, organization, store and clock, and say what to do; exit 1 if there is a problem"
  ),
  Command.withExamples([
    { command: "fly-tokens doctor my-app", description: "Also whether flyctl knows the organization of an app" },
    { command: "fly-tokens doctor --offline", description: "Ask nobody, look only" }
  ])
)
