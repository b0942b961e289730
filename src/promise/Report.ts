/** Log lines for programs without Effect. */
import * as Logger from "effect/Logger"
import { shownLines } from "../token/Redaction.ts"

/** Takes a line. Never throws. */
export type Report = (line: string) => void

const ignore = () => {}

/** Looks after what other people's function answers: neither a throw nor a rejected promise gets out. */
export const contained = (run: () => unknown, onFailure: (error: unknown) => void): void => {
  try {
    const answer = run()
    // Anything with a `then` may be a promise, of another library too.
    if (typeof answer === "object" && answer !== null && "then" in answer) {
      Promise.resolve(answer).then(undefined, onFailure)
    }
  } catch (error) {
    onFailure(error)
  }
}

/** Reports to `console.error`, to a function, or nowhere. A function that fails loses its line and nothing else. */
export const make = (log: ((line: string) => unknown) | false | undefined): Report => {
  if (log === false) return ignore
  const write = log ?? ((line: string) => console.error(line))
  // Texts may come from other people's code: layers, listeners.
  return (line) => contained(() => write(shownLines(line)), ignore)
}

/** An error of other people's code in a few words. */
export const inWords = (error: unknown): string => {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    // Not everything has a text.
    return typeof error
  }
}

/** Effect's log, one line per message. */
export const logger = (report: Report): Logger.Logger<unknown, void> =>
  Logger.make(({ message }) => report((Array.isArray(message) ? message : [message]).map(inWords).join(" ")))
