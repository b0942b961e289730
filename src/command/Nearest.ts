/** What was meant by a name that is none. */

/** How many letters have to be put in, taken out or replaced to make one text of the other (Levenshtein). */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let line = 1; line <= one.length; line++) {
    const above = row
    row = [line]
    for (let column = 1; column <= other.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (one[line - 1] === other[column - 1] ? 0 : 1)
      row.push(Math.min(replaced, (above[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1))
    }
  }
  return row[other.length] ?? 0
}

/** Half of the letters are right, or it is the beginning of the other: `DIRECTORY` and `DIR`. */
const resembles = (name: string, known: string): boolean =>
  2 * distance(name, known) <= Math.max(name.length, known.length) || name.startsWith(known) || known.startsWith(name)

/** The name that is most like this one, if any is like it. */
export const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  // Longer than all that could resemble it.
  if (name.length > 64) return undefined
  const [best] = known.filter((each) => resembles(name, each))
    .sort((one, other) => distance(name, one) - distance(name, other))
  return best
}
