/** Which words of the command line are ours, and which belong to the command that `exec` runs. */

/** Flags of the command line library whose value may be the next word. */
const valued: ReadonlySet<string> = new Set(["--log-level", "--completions"])

/** The index of the first word from `from` on that is no flag and no flag's value, or of `--`. */
const nextWord = (words: ReadonlyArray<string>, from: number): number => {
  let index = from
  while (index < words.length) {
    const word = words[index] ?? ""
    if (word === "--" || !word.startsWith("-")) return index
    index += valued.has(word) ? 2 : 1
  }
  return index
}

/** The call that the words are of, `get` for instance. */
export const callOf = (words: ReadonlyArray<string>): string | undefined => words[nextWord(words, 0)]

/**
 * Puts `--` before the command that `exec` runs, if it is not there, so that the flags of that command are its own:
 * `exec my-app curl -s` is `exec my-app -- curl -s`. Anything else stays as it is.
 */
export const delimited = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const call = nextWord(words, 0)
  if (words[call] !== "exec") return words
  const app = nextWord(words, call + 1)
  if (words[app] === "--") return words
  const command = nextWord(words, app + 1)
  if (command >= words.length || words[command] === "--") return words
  return [...words.slice(0, command), "--", ...words.slice(command)]
}

/** The words before `--`. */
export const ours = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = words.indexOf("--")
  return end === -1 ? words : words.slice(0, end)
}
