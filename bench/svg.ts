/**
 * Two kinds of plots as SVG text, for documents: bars in groups, and lines over a logarithmic scale. They are drawn on
 * white, so that they can be read on any page, and every value is written out. It knows no figure.
 */

const colours = ['#2f6f9f', '#c8553d', '#7a7a7a', '#4f8a4c', '#8a6bb1']
const [width, height] = [720, 300]
const plot = { left: 70, top: 40, right: width - 20, bottom: height - 50 }

/** Bars in groups: `values[i][j]` is the value of series j in group i; undefined leaves its bar out. */
export interface Bars {
  readonly title: string
  readonly unit: string
  readonly groups: readonly string[]
  readonly series: readonly string[]
  readonly values: readonly (readonly (number | undefined)[])[]
}

/** Lines over a logarithmic x axis and, if asked, a logarithmic y axis; values are positive. */
export interface Lines {
  readonly title: string
  readonly unit: string
  readonly xUnit: string
  readonly isLogarithmic?: boolean
  readonly series: readonly {
    readonly name: string
    readonly points: readonly (readonly [number, number])[]
  }[]
}

export function barsSvg({ title, unit, groups, series, values }: Bars): string {
  const most = Math.max(...values.flat().filter((value) => value !== undefined))
  const groupWidth = (plot.right - plot.left) / groups.length
  const barWidth = Math.min(46, (groupWidth - 14) / series.length)
  const bars = groups.flatMap((group, i) => {
    const middle = plot.left + groupWidth * (i + 0.5)
    const from = middle - (barWidth * series.length) / 2
    return [
      text(middle, plot.bottom + 18, group),
      ...series.flatMap((_, j) => {
        const value = values[i]?.[j]
        if (value === undefined) return []
        const size = ((plot.bottom - plot.top) * value) / most
        const [x, y] = [from + j * barWidth, plot.bottom - size]
        const bar = `<rect x="${n(x)}" y="${n(y)}" width="${n(barWidth - 3)}" height="${n(size)}" fill="${colours[j]}"/>`
        return [bar, text(x + (barWidth - 3) / 2, y - 4, shown(value), 10)]
      }),
    ]
  })
  return svg(`${title} (${unit})`, series.length > 1 ? series : [], [axis(), ...bars])
}

export function linesSvg({ title, unit, xUnit, isLogarithmic = false, series }: Lines): string {
  const points = series.flatMap((one) => one.points)
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b)
  const ys = points.map(([, y]) => y)
  const x = scale(Math.log10(xs[0]!), Math.log10(xs.at(-1)!), plot.left + 20, plot.right - 20)
  const y = isLogarithmic
    ? scale(Math.log10(Math.min(...ys)), Math.log10(Math.max(...ys)), plot.bottom - 8, plot.top + 8)
    : scale(0, Math.max(...ys), plot.bottom, plot.top + 8)
  const at = (value: number) => y(isLogarithmic ? Math.log10(value) : value)
  const lines = series.flatMap(({ points }, j) => {
    const path = points.map(([px, py]) => `${n(x(Math.log10(px)))},${n(at(py))}`)
    return [
      `<polyline points="${path.join(' ')}" fill="none" stroke="${colours[j]}" stroke-width="2"/>`,
      ...points.flatMap(([px, py], i) => {
        const [cx, cy] = path[i]!.split(',').map(Number) as [number, number]
        return [
          `<circle cx="${cx}" cy="${cy}" r="3" fill="${colours[j]}"><title>${px}: ${py}</title></circle>`,
          text(cx, cy + (j % 2 === 0 ? -7 : 15), shown(py), 10),
        ]
      }),
    ]
  })
  const labels = xs.map((value) => text(x(Math.log10(value)), plot.bottom + 18, value.toLocaleString('en')))
  const names = series.map(({ name }) => name)
  return svg(`${title} (${unit})`, names, [
    axis(),
    ...labels,
    ...lines,
    text((plot.left + plot.right) / 2, height - 10, xUnit),
  ])
}

function svg(title: string, names: readonly string[], parts: readonly string[]): string {
  let at = plot.right
  const legend = names.toReversed().flatMap((name, index) => {
    at -= 8 * name.length + 30
    const colour = colours[names.length - 1 - index]
    return [
      `<rect x="${at}" y="24" width="10" height="10" fill="${colour}"/>`,
      text(at + 15, 33, name, 12, 'start'),
    ]
  })
  const all = [
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(plot.left, 16, title, 14, 'start'),
    ...legend,
    ...parts,
  ]
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`
  return `${head}\n${all.map((part) => `  ${part}\n`).join('')}</svg>\n`
}

const axis = () =>
  `<path d="M${plot.left} ${plot.bottom}H${plot.right}" stroke="#333333" stroke-width="1" fill="none"/>`

const scale = (from: number, to: number, start: number, end: number) => (value: number) =>
  start + ((value - from) / (to - from || 1)) * (end - start)

const n = (value: number) => Number(value.toFixed(1))

const text = (x: number, y: number, words: string, size = 12, anchor = 'middle') =>
  `<text x="${n(x)}" y="${n(y)}" font-size="${size}" text-anchor="${anchor}" fill="#222222">${escaped(words)}</text>`

const escaped = (words: string) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Three digits that count. */
const shown = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : Number(value.toPrecision(3)).toString()
