/**
 * What the command line asks for.
 */

export interface Arguments {
  /** Few rounds, small sizes: that everything works, and that all counts are right. */
  readonly quick: boolean
  /** How often everything is repeated. */
  readonly runs: number
  /** Of the order of the tasks. */
  readonly seed: number
  /** Which comparisons: these, and those in folders of these names. Empty: all. */
  readonly names: ReadonlyArray<string>
}

export const usage = "npm run bench -- [--quick] [--runs N] [--seed N] [COMPARISON or FOLDER…]"

const wholeNumber = (flag: string, text: string | undefined): number => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${flag} takes a whole number above 0\n${usage}`)
  return number
}

export const parse = (words: ReadonlyArray<string>, seed: number): Arguments => {
  let found: Arguments = { quick: false, runs: 1, seed, names: [] }
  for (let n = 0; n < words.length; n++) {
    const word = words[n]!
    if (word === "--quick") found = { ...found, quick: true }
    else if (word === "--runs") found = { ...found, runs: wholeNumber(word, words[++n]) }
    else if (word === "--seed") found = { ...found, seed: wholeNumber(word, words[++n]) }
    else if (word.startsWith("-")) throw new Error(`unknown: ${word}\n${usage}`)
    else found = { ...found, names: [...found.names, word] }
  }
  return found
}

/** The comparisons that were asked for. Throws at a name that is none. */
export const chosen = (all: ReadonlyArray<string>, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const matches = (name: string, comparison: string) => comparison === name || comparison.startsWith(`${name}/`)
  for (const name of names) {
    if (!all.some((comparison) => matches(name, comparison))) {
      throw new Error(`no comparison ${name}; there are ${all.join(", ")}`)
    }
  }
  return names.length === 0 ? all : all.filter((comparison) => names.some((name) => matches(name, comparison)))
}
