// The two kinds of picture: rows of dots, one for each contender, in panels side by side; and lines over the number of routes. Each is
// an SVG by itself, without scripts, styles or fonts of its own.

// @ts-ignore It is installed when it is first wanted.
import * as Plot from '@observablehq/plot'
// @ts-ignore It has no types of its own.
import { JSDOM } from 'jsdom'
import { FONT, SIZES } from './theme.mjs'

/**
 * @typedef {import('./theme.mjs').Theme} Theme
 *
 * @typedef {object} Point
 * @property {string} name the contender
 * @property {number} value
 * @property {number} low
 * @property {number} high
 *
 * @typedef {object} DotPanel
 * @property {string} title
 * @property {Point[]} points
 * @property {(value: number) => string} format
 * @property {number} [reference] a value to compare with, drawn as a line
 * @property {number} [most] where the axis ends. What is beyond is drawn at its edge, with an arrow.
 *
 * @typedef {object} LinePanel
 * @property {string} title
 * @property {number} most where the axis ends: lines that go beyond leave the picture
 * @property {{ name: string, points: { x: number, y: number }[] }[]} lines
 *
 * @typedef {object} Picture
 * @property {string} title what is shown
 * @property {string} subtitle its unit, and what is better
 * @property {string} note where it is from
 * @property {string | undefined} [legend] what its signs mean
 * @property {(name: string) => boolean} isOurs
 * @property {(name: string) => string} short the name as it is shown
 * @property {string | undefined} [floor] the contender that is no rival
 * @property {(name: string) => boolean} makesCode who is drawn hollow: what makes code of text while it runs
 */

const { document } = new JSDOM('').window
const { margin, row, text: fontSize, title: titleSize, width } = SIZES

const NAMES_WIDTH = 196
const HEAD = 64
const PANEL_HEAD = 30
const FOOT = 34

/**
 * Rows of dots.
 *
 * @param {Picture & { names: string[], panels: DotPanel[] }} picture names: the contenders, from the first row on
 * @param {Theme} theme
 */
export function drawDots({ names, panels, ...picture }, theme) {
  const height = names.length * row
  const panelWidth = (width - 2 * margin - NAMES_WIDTH) / panels.length
  const labels = [
    ...names.map((name, ix) => text(margin, HEAD + PANEL_HEAD + (ix + 0.5) * row, picture.short(name), paint(name))),
    ...panels.map(({ title }, ix) => text(left(ix), HEAD + 14, title, { fill: theme.text, 'font-weight': 600 })),
  ]
  const plots = panels.map((panel, ix) => ({ x: left(ix), y: HEAD + PANEL_HEAD, svg: drawPanel(panel) }))
  return compose(picture, theme, HEAD + PANEL_HEAD + height + FOOT, [...labels, ...plots.map(place)])

  /** @param {number} ix */
  function left(ix) {
    return margin + NAMES_WIDTH + ix * panelWidth
  }

  /** @param {string} name */
  function paint(name) {
    const emphasis = picture.isOurs(name) ? { fill: theme.ours, 'font-weight': 700 } : { fill: theme.text }
    return { ...emphasis, ...(name === picture.floor && { 'font-style': 'italic' }), 'dominant-baseline': 'central' }
  }

  /** @param {DotPanel} panel */
  function drawPanel({ points, format, reference, most = Infinity }) {
    const values = [...points.flatMap(({ low, high }) => [low, high]), ...(reference ? [reference] : [])]
    const [min, max] = [Math.min(...values), Math.min(Math.max(...values), most)]
    // On a logarithmic axis nothing begins at 0: the least is a little off the edge.
    const start = min * (min / max) ** 0.08
    const missing = names.filter((name) => points.every((point) => point.name !== name))
    const within = (/** @type {'low' | 'value' | 'high'} */ what) => (/** @type {Point} */ point) => Math.min(point[what], max)
    const color = (/** @type {Point} */ { name }) => (picture.isOurs(name) ? theme.ours : theme.peer)
    return Plot.plot({
      document, width: panelWidth, height, margin: 0,
      style: { fontSize: `${fontSize}px`, fontFamily: FONT },
      x: { type: 'log', domain: [start, max], range: [0, panelWidth - 74], axis: null },
      y: { type: 'band', domain: names, range: [0, height], padding: 0, axis: null },
      marks: [
        Plot.ruleX(reference ? [reference] : [], { stroke: theme.muted, strokeDasharray: '2 3' }),
        Plot.text(missing, { y: (/** @type {string} */ name) => name, x: () => start, text: () => '–', fill: theme.muted }),
        Plot.ruleY(points, { y: 'name', x1: start, x2: within('value'), stroke: theme.line, strokeWidth: 1 }),
        Plot.ruleY(points, { y: 'name', x1: within('low'), x2: within('high'), stroke: color, strokeWidth: 3, strokeOpacity: 0.45 }),
        Plot.dot(points, {
          y: 'name', x: within('value'), stroke: color, strokeWidth: 1.5,
          r: (/** @type {Point} */ { name }) => (picture.isOurs(name) ? 6 : 4.5),
          fill: (/** @type {Point} */ point) => (picture.makesCode(point.name) ? theme.background : color(point)),
        }),
        Plot.text(points, {
          y: 'name', x: within('high'), textAnchor: 'start', dx: 10,
          text: (/** @type {Point} */ { value }) => format(value) + (value > max ? ' →' : ''),
          fill: (/** @type {Point} */ { name }) => (picture.isOurs(name) ? theme.ours : theme.muted),
          fontVariant: 'tabular-nums',
        }),
      ],
    })
  }
}

/**
 * Lines, named where they end.
 *
 * @param {Picture & { panels: LinePanel[], height: number }} picture
 * @param {Theme} theme
 */
export function drawLines({ panels, height, ...picture }, theme) {
  const panelWidth = (width - 2 * margin) / panels.length
  const titles = panels.map(({ title }, ix) => text(margin + ix * panelWidth, HEAD + 14, title, { fill: theme.text, 'font-weight': 600 }))
  const plots = panels.map((panel, ix) => ({ x: margin + ix * panelWidth, y: HEAD + PANEL_HEAD, svg: drawPanel(panel) }))
  return compose(picture, theme, HEAD + PANEL_HEAD + height + FOOT, [...titles, ...plots.map(place)])

  /** @param {LinePanel} panel */
  function drawPanel({ lines, most }) {
    // Ours is drawn last, above the others.
    const sorted = [...lines].sort((a, b) => Number(picture.isOurs(a.name)) - Number(picture.isOurs(b.name)))
    const points = sorted.flatMap(({ name, points: own }) => cut(own, most).map(({ x, y }) => ({ name, x, y })))
    const xs = [...new Set(lines.flatMap(({ points: own }) => own.map(({ x }) => x)))].sort((a, b) => a - b)
    const [first, last] = [xs[0] ?? 1, xs.at(-1) ?? 10]
    const ys = points.map(({ y }) => y)
    const [min, max] = [Math.min(...ys), Math.max(...ys)]
    const color = (/** @type {{ name: string }} */ { name }) => (picture.isOurs(name) ? theme.ours : theme.peer)
    const labels = spread(sorted.map(({ name, points: own }) => ({ name, y: own.at(-1)?.y ?? min })), min, max, height - 30)
    /** @type {(some: typeof labels, options: { fill: string, fontWeight?: number }) => Plot.Markish} */
    const nameLabels = (some, options) => Plot.text(some, {
      x: () => last, y: 'at', textAnchor: 'start', dx: 22, ...options,
      text: (/** @type {typeof labels[number]} */ { name, y }) => picture.short(name) + (y > max ? ' ↑' : ''),
    })
    const steps = Math.log10(last / first)
    const marginRight = 172
    // How far on the axis a label is from the end of its line.
    const gap = 10 ** (18 / (panelWidth - 56 - marginRight) * steps)
    return Plot.plot({
      document, width: panelWidth, height, marginLeft: 56, marginRight, marginTop: 6, marginBottom: 30,
      style: { fontSize: `${fontSize - 2}px`, fontFamily: FONT, color: theme.muted },
      x: { type: 'log', domain: [first, last], ticks: xs, tickFormat: toText, label: null },
      y: { type: 'log', domain: [min / 1.1, max], grid: true, ticks: powersOfTen(min, max), tickFormat: toText, label: null },
      marks: [
        Plot.line(points, {
          x: 'x', y: 'y', z: 'name', stroke: color, strokeLinejoin: 'round',
          strokeWidth: (/** @type {{ name: string }} */ { name }) => (picture.isOurs(name) ? 3.5 : 1.5),
        }),
        // From the end of a line to its label.
        Plot.link(labels.filter(({ y }) => y <= max), { x1: () => last, y1: 'y', x2: () => last * gap, y2: 'at', stroke: theme.line }),
        nameLabels(labels.filter(({ name }) => !picture.isOurs(name)), { fill: theme.muted }),
        nameLabels(labels.filter(({ name }) => picture.isOurs(name)), { fill: theme.ours, fontWeight: 700 }),
      ],
    })
  }
}

/**
 * A line as far as it stays within the picture: where it leaves it ends, on the straight way to its next point.
 *
 * @param {{ x: number, y: number }[]} points
 * @param {number} most
 */
function cut(points, most) {
  const above = points.findIndex(({ y }) => y > most)
  if (above < 0) return points
  const [from, to] = [points[above - 1], points[above]]
  if (!from || !to) return []
  const part = Math.log(most / from.y) / Math.log(to.y / from.y)
  return [...points.slice(0, above), { x: from.x * (to.x / from.x) ** part, y: most }]
}

/**
 * Move labels apart that would lie upon each other on a logarithmic axis: those that would form a block, whose middle is the mean of
 * where they belong. Labels of lines that have left the picture are at its top.
 *
 * @param {{ name: string, y: number }[]} ends
 * @param {number} min
 * @param {number} max
 * @param {number} height of the axis, in px
 */
function spread(ends, min, max, height) {
  const step = (fontSize + 1) * Math.log(max / min) / height
  const startOf = (/** @type {{ logs: number[] }} */ { logs }) => {
    const middle = logs.reduce((sum, log) => sum + log, 0) / logs.length
    const length = (logs.length - 1) * step
    return Math.max(Math.log(min), Math.min(middle - length / 2, Math.log(max) - length))
  }
  /** @type {{ ends: typeof ends, logs: number[] }[]} */
  const blocks = []
  for (const end of [...ends].sort((a, b) => a.y - b.y)) {
    let block = { ends: [end], logs: [Math.log(Math.min(end.y, max))] }
    for (let below = blocks.at(-1); below && startOf(below) + below.logs.length * step > startOf(block); below = blocks.at(-1)) {
      blocks.pop()
      block = { ends: [...below.ends, ...block.ends], logs: [...below.logs, ...block.logs] }
    }
    blocks.push(block)
  }
  return blocks.flatMap((block) => block.ends.map((end, ix) => ({ ...end, at: Math.exp(startOf(block) + ix * step) })))
}

/** @param {number} min @param {number} max */
function powersOfTen(min, max) {
  const first = Math.ceil(Math.log10(min))
  return Array.from({ length: Math.floor(Math.log10(max)) - first + 1 }, (_, ix) => 10 ** (first + ix))
}

/** @param {number} value */
const toText = (value) => (value < 1000 ? String(value) : `${value / 1000}k`)

/**
 * @param {Picture} picture
 * @param {Theme} theme
 * @param {number} height
 * @param {string[]} parts
 */
function compose({ title, subtitle, note, legend }, theme, height, parts) {
  const small = { fill: theme.muted, 'font-size': fontSize - 3 }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ` +
      `aria-label="${escape(`${title}. ${subtitle}`)}" font-family="${FONT}" font-size="${fontSize}">`,
    `<rect width="${width}" height="${height}" rx="6" fill="${theme.background}"/>`,
    text(margin, 30, title, { fill: theme.text, 'font-size': titleSize, 'font-weight': 600 }),
    text(margin, 52, subtitle, { fill: theme.muted }),
    ...parts,
    text(margin, height - 12, note, small),
    ...(legend ? [text(width - margin, height - 12, legend, { ...small, 'text-anchor': 'end' })] : []),
    '</svg>',
  ].join('\n') + '\n'
}

/** A plot inside the picture. What is there for a page around it is left out. @param {{ x: number, y: number, svg: any }} placed */
function place({ x, y, svg }) {
  for (const style of svg.querySelectorAll('style')) style.remove()
  for (const name of ['class', 'viewBox']) svg.removeAttribute(name)
  svg.setAttribute('x', String(x))
  svg.setAttribute('y', String(y))
  return svg.outerHTML
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {{ [name: string]: string | number }} attributes
 */
function text(x, y, content, attributes) {
  const all = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`).join('')
  return `<text x="${x}" y="${y}"${all}>${escape(content)}</text>`
}

/** @param {string} content */
function escape(content) {
  return content.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
