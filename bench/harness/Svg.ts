/**
 * What all plots have in common: paper, colours for a light and a dark page, scales.
 */
import { escaped } from "./Format.ts"

const style = `
    .paper { fill: #fff; stroke: #ccc }
    .peer { fill: #b9c3d0; stroke: #8894a5 }
    .ours { fill: #6d4fc4; stroke: #5538a8 }
    .grid { stroke: #e3e6ea }
    text { fill: #222 }
    .dim { fill: #555; font-size: 12px }
    .name { font-weight: bold }
    .line-0 { stroke: #6d4fc4; fill: #6d4fc4 }
    .line-1 { stroke: #b0852b; fill: #b0852b }
    .line-2 { stroke: #2f8f6b; fill: #2f8f6b }
    .line-3 { stroke: #a54a4a; fill: #a54a4a }
    .line-4 { stroke: #4a6fa5; fill: #4a6fa5 }
    polyline { fill: none !important; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #161b22; stroke: #444c56 }
      .peer { fill: #4b5563; stroke: #6b7683 }
      .ours { fill: #9b82e8; stroke: #b7a4f2 }
      .grid { stroke: #2d333b }
      text { fill: #e6edf3 }
      .dim { fill: #adb5bd }
      .line-0 { stroke: #9b82e8; fill: #9b82e8 }
      .line-1 { stroke: #d0a64e; fill: #d0a64e }
      .line-2 { stroke: #59b894; fill: #59b894 }
      .line-3 { stroke: #cc6d6d; fill: #cc6d6d }
      .line-4 { stroke: #6d94cc; fill: #6d94cc }
    }`

/** A whole picture, with its title on top and for those who hear it read. */
export const picture = (options: {
  readonly width: number
  readonly height: number
  readonly title: string
  readonly description: string
  readonly body: ReadonlyArray<string>
}): string => {
  const { body, description, height, title, width } = options
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d" font-family="Helvetica, Arial, sans-serif" font-size="13">
  <title id="t">${escaped(title)}</title>
  <desc id="d">${escaped(description)}</desc>
  <style>${style}
  </style>
  <rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
  <text class="name" x="20" y="30" font-size="15">${escaped(title)}</text>
${body.map((line) => `  ${line}`).join("\n")}
</svg>
`
}

export interface Scale {
  readonly at: (value: number) => number
  /** Where lines of the grid are, within the scale. */
  readonly ticks: ReadonlyArray<number>
}

/** Between two numbers above 0, with the powers of ten that are there. */
export const logScale = (low: number, high: number, from: number, to: number): Scale => {
  const width = Math.log(high) - Math.log(low)
  const powers = Array.from({ length: 25 }, (_, n) => Number(`1e${n - 12}`))
  return {
    at: (value) => width === 0 ? from : from + ((Math.log(value) - Math.log(low)) / width) * (to - from),
    ticks: powers.filter((power) => power >= low && power <= high)
  }
}

/** From 0 on, in round steps. */
export const linearScale = (values: ReadonlyArray<number>, from: number, to: number): Scale => {
  const most = Math.max(...values)
  const rough = most / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= rough) ?? rough
  const count = Math.ceil(most / step - 1e-9)
  return {
    at: (value) => from + (value / (count * step)) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, n) => n * step)
  }
}
