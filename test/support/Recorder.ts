/**
 * What a program shows of itself: texts of values, log lines, spans.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"

/** Every form in which a program may print a value. */
export const printed = (value: unknown): string =>
  [
    String(value),
    inspect(value, { depth: 20, showHidden: true, getters: true }),
    JSON.stringify(value),
    value instanceof Error ? value.stack : "",
    Exit.isExit(value) && Exit.isFailure(value) ? Cause.pretty(value.cause) : ""
  ].join("\n")

/** Keeps all that is logged and traced. */
export const recorder = () => {
  const texts: Array<string> = []
  const spans: Array<Tracer.Span> = []
  const layer = Layer.mergeAll(
    Logger.layer([
      Logger.make((options) =>
        void texts.push(
          printed([
            options.message,
            Cause.pretty(options.cause),
            options.fiber.getRef(References.CurrentLogAnnotations)
          ])
        )
      )
    ]),
    Layer.succeed(Tracer.Tracer)(Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    }))
  )
  return { layer, text: () => [...texts, ...spans.map((span) => printed([span.name, ...span.attributes]))].join("\n") }
}
