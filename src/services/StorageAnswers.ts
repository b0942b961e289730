/** What storages and their backends answer, which may be anybody's: looked at before it is believed. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { isAppName } from "../token/AppName.ts"
import * as RecordText from "./RecordText.ts"
import { StorageError } from "./TokenError.ts"

const expecting =
  <A>(expected: string, is: (answer: unknown) => answer is A) =>
  (answer: unknown, operation: StorageError["operation"] = "get"): Effect.Effect<A, StorageError> => {
    const why = `the answer was something else than ${expected}`
    return is(answer) ? Effect.succeed(answer) : Effect.fail(new StorageError({ operation, kind: "Unavailable", why }))
  }

const isOptionOf = <A>(is: (value: unknown) => value is A) => (answer: unknown): answer is Option.Option<A> =>
  Option.isOption(answer) && (Option.isNone(answer) || is(answer.value))

const isMap = (answer: unknown): answer is ReadonlyMap<string, unknown> => answer instanceof Map

export const text = expecting("a text or none", isOptionOf(Predicate.isString))

export const record = expecting("a record or none", isOptionOf(RecordText.isContent))

export const many = expecting("a map of records", isMap)

const list = expecting("a list of names", (answer): answer is ReadonlyArray<unknown> => Array.isArray(answer))

/** The names that can be those of records. */
export const names = (answer: unknown): Effect.Effect<ReadonlyArray<string>, StorageError> =>
  Effect.map(list(answer, "list"), (names) => names.filter(isAppName).sort())

export const recordAmong = (
  answer: ReadonlyMap<string, unknown>,
  name: string
): Effect.Effect<Option.Option<RecordText.Content>, StorageError> => {
  const found = answer.get(name)
  if (!Result.isResult(found)) return record(undefined)
  return Result.isSuccess(found) ? record(found.success) : Effect.fail(found.failure as StorageError)
}

/** What comes of each record; none fails the others. */
export const each = Effect.fnUntraced(function*<A>(
  names: Iterable<string>,
  read: (name: string) => Effect.Effect<A, StorageError>
) {
  const outcomes = new Map<string, Result.Result<A, StorageError>>()
  for (const name of names) outcomes.set(name, yield* Effect.result(read(name)))
  return outcomes
})

/** What is made of each record of an answer. */
export const manyOf = <A>(
  answer: Effect.Effect<unknown, StorageError>,
  names: Iterable<string>,
  use: (name: string, record: Option.Option<RecordText.Content>) => Effect.Effect<A, StorageError>
): Effect.Effect<ReadonlyMap<string, Result.Result<A, StorageError>>, StorageError> =>
  Effect.flatMap(
    Effect.flatMap(answer, (records) => many(records)),
    (records) => each(names, (name) => Effect.flatMap(recordAmong(records, name), (found) => use(name, found)))
  )

/** The failure of a write of what is no record. */
export const invalidRecord = (): StorageError =>
  new StorageError({
    operation: "put",
    kind: "InvalidRecord",
    why: "the record has no token, a time that is none, or a fence that is no whole number"
  })
