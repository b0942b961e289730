/** What storages and their backends answer, which may be anybody's: looked at before it is believed. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { isAppName } from "../token/AppName.ts"
import * as RecordText from "./RecordText.ts"
import { StorageError } from "./TokenError.ts"

type Operation = StorageError["operation"]

const isOptionOf = <A>(answer: unknown, is: (value: unknown) => value is A): answer is Option.Option<A> =>
  Option.isOption(answer) && (Option.isNone(answer) || is(answer.value))

const isText = (value: unknown): value is string => typeof value === "string"

const unexpected = (operation: Operation, expected: string) =>
  new StorageError({ operation, kind: "Unavailable", why: `the answer was something else than ${expected}` })

export const text = (answer: unknown, operation: Operation): Effect.Effect<Option.Option<string>, StorageError> =>
  isOptionOf(answer, isText) ? Effect.succeed(answer) : Effect.fail(unexpected(operation, "a text or none"))

export const record = (answer: unknown): Effect.Effect<Option.Option<RecordText.Content>, StorageError> =>
  isOptionOf(answer, RecordText.isContent) ? Effect.succeed(answer) : Effect.fail(unexpected("get", "a record or none"))

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

export const many = (answer: unknown): Effect.Effect<ReadonlyMap<string, unknown>, StorageError> =>
  answer instanceof Map ? Effect.succeed(answer) : Effect.fail(unexpected("get", "a map of records"))

/** What is made of each record of an answer. */
export const manyOf = <A>(
  answer: Effect.Effect<unknown, StorageError>,
  names: Iterable<string>,
  use: (name: string, record: Option.Option<RecordText.Content>) => Effect.Effect<A, StorageError>
): Effect.Effect<ReadonlyMap<string, Result.Result<A, StorageError>>, StorageError> =>
  Effect.flatMap(
    Effect.flatMap(answer, many),
    (records) => each(names, (name) => Effect.flatMap(recordAmong(records, name), (found) => use(name, found)))
  )

/** The names that can be those of records. */
export const names = (answer: unknown): Effect.Effect<ReadonlyArray<string>, StorageError> =>
  Array.isArray(answer)
    ? Effect.succeed(answer.filter(isAppName).sort())
    : Effect.fail(unexpected("list", "a list of names"))

/** The failure of a write of what is no record. */
export const invalidRecord = (): StorageError =>
  new StorageError({
    operation: "put",
    kind: "InvalidRecord",
    why: "the record has no token, a time that is none, or a fence that is no whole number"
  })
