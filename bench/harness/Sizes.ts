/**
 * How many apps there are in the comparisons of scale, and how these are called: one place, because targets name them too.
 */
const quick = process.argv.includes("--quick")

export const few = quick ? 100 : 1_000
export const many = quick ? 200 : 10_000
export const most = quick ? 400 : 100_000

export const labelOf = (apps: number): string => `${apps.toLocaleString("en-US")} apps`
