/**
 * Lines over a logarithmic axis of numbers such as how many apps there are; the other axis begins at 0, so that what is
 * flat looks flat.
 */
import * as Format from "./Format.ts"
import * as Svg from "./Svg.ts"

export interface Line {
  readonly name: string
  readonly points: ReadonlyArray<{ readonly x: number; readonly y: number }>
}

const width = 760
const height = 360
const left = 90
const right = 710
const top = 70
const bottom = 300

export const render = (title: string, xLabel: string, unit: string, lines: ReadonlyArray<Line>): string => {
  const points = lines.flatMap((line) => line.points)
  const xs = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b)
  const xScale = Svg.logScale(xs[0]!, xs.at(-1)!, left, right)
  const yScale = Svg.linearScale(points.map(({ y }) => y), bottom, top)
  const spot = (
    { x, y }: { readonly x: number; readonly y: number }
  ) => [xScale.at(x).toFixed(1), yScale.at(y).toFixed(1)]
  const grid = yScale.ticks.flatMap((tick) => {
    const y = yScale.at(tick)
    return [
      `<path class="grid" d="M${left} ${y.toFixed(1)} H${right}"/>`,
      `<text class="dim" x="${left - 8}" y="${(y + 4).toFixed(1)}" text-anchor="end">${
        Format.measure(tick, unit)
      }</text>`
    ]
  })
  const marks = xs.map((x) =>
    `<text class="dim" x="${xScale.at(x).toFixed(1)}" y="${bottom + 22}" text-anchor="middle">${
      Format.number(x)
    }</text>`
  )
  const drawn = lines.flatMap(({ name, points }, n) => [
    `<polyline class="line-${n % 5}" points="${points.map((point) => spot(point).join(",")).join(" ")}"/>`,
    ...points.map((point) => {
      const [x, y] = spot(point)
      return `<circle class="line-${n % 5}" cx="${x}" cy="${y}" r="3.5"/>`
    }),
    `<circle class="line-${n % 5}" cx="${26 + n * 180}" cy="50" r="5"/>`,
    `<text x="${36 + n * 180}" y="54">${Format.escaped(name)}</text>`
  ])
  return Svg.picture({
    width,
    height,
    title,
    description: lines.map(({ name, points }) =>
      `${name}: ${points.map(({ x, y }) => `${Format.measure(y, unit)} at ${Format.number(x)}`).join(", ")}`
    ).join("; "),
    body: [
      ...grid,
      ...marks,
      `<text class="dim" x="${(left + right) / 2}" y="${bottom + 44}" text-anchor="middle">${
        Format.escaped(xLabel)
      }</text>`,
      ...drawn
    ]
  })
}
