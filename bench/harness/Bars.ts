/**
 * Horizontal bars on a logarithmic scale, the shortest on top.
 */
import * as Format from "./Format.ts"
import * as Svg from "./Svg.ts"

export interface Bar {
  readonly name: string
  readonly value: number
  readonly isOurs: boolean
}

const width = 760
const left = 270
const right = 660
const top = 48
const step = 24

export const render = (title: string, unit: string, bars: ReadonlyArray<Bar>): string => {
  const sorted = bars.toSorted((a, b) => a.value - b.value)
  const values = sorted.map(({ value }) => value)
  // From a power of ten on, so that the shortest bar is one.
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)) - 0.01)
  const scale = Svg.logScale(low, Math.max(...values), left, right)
  const bottom = top + sorted.length * step
  const grid = scale.ticks.flatMap((tick) => {
    const x = scale.at(tick).toFixed(1)
    return [
      `<path class="grid" d="M${x} ${top} V${bottom + 4}"/>`,
      `<text class="dim" x="${x}" y="${bottom + 20}" text-anchor="middle">${Format.measure(tick, unit)}</text>`
    ]
  })
  const rows = sorted.flatMap(({ isOurs, name, value }, n) => {
    const y = top + n * step
    const end = scale.at(value)
    const strong = isOurs ? " class=\"name\"" : ""
    return [
      `<text${strong} x="${left - 8}" y="${y + 16}" text-anchor="end">${Format.escaped(name)}</text>`,
      `<rect class="${isOurs ? "ours" : "peer"}" x="${left}" y="${y + 4}" width="${
        Math.max(1, end - left).toFixed(1)
      }" height="${step - 8}" rx="2"/>`,
      `<text${strong} x="${(end + 6).toFixed(1)}" y="${y + 16}">${Format.measure(value, unit)}</text>`
    ]
  })
  return Svg.picture({
    width,
    height: bottom + 34,
    title: `${title} (logarithmic)`,
    description: sorted.map(({ name, value }) => `${name}: ${Format.measure(value, unit)}`).join("; "),
    body: [...grid, ...rows]
  })
}
