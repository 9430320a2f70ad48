// The table on the terminal: the ratio first.
import { unmeasured } from '../goals.js'
import { machineLine } from '../machine.js'

/** Returns a figure with three digits that count. */
export function figure(/** @type {number} */ value) {
  const size = Math.abs(value)
  if (size >= 1_000) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

/** Returns a value in its unit: `1.23×`, `80 B`. */
export function amount(/** @type {number} */ value, unit = '×') {
  return unit === '×' ? `${figure(value)}×` : `${figure(value)} ${unit}`
}

/** Returns a goal as it is read: `≤ 1.35×`. */
export function goalText(/** @type {import('../goals.js').Goal} */ { atMost, atLeast }, unit = '×') {
  return atMost === undefined ? `≥ ${amount(/** @type {number} */ (atLeast), unit)}` : `≤ ${amount(atMost, unit)}`
}

/** Returns how a row stands to its goal. */
export function mark(/** @type {import('../suite.js').Row} */ { goal, isReached }) {
  if (goal === undefined) return ' '
  return isReached === undefined ? '?' : isReached ? '✓' : '✗'
}

/** @returns {string[]} what stands above a part */
export function headingLines(/** @type {string} */ title) {
  return ['', title]
}

/** @returns {string[]} */
export function rowLines(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  const cells = rows.map((row) => [
    `${mark(row)} ${row.value === undefined ? '–' : amount(row.value, row.unit)}`,
    row.value === undefined || row.low === row.high ? '' : `${figure(/** @type {number} */ (row.low))}–${figure(/** @type {number} */ (row.high))}`,
    row.goal === undefined ? '' : goalText(row.goal, row.unit),
    row.what,
    [metricText(row), ...(row.remark === undefined ? [] : [row.remark]), ...costTexts(row)].join('; '),
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column].length)))
  return rows.flatMap((row, i) => [
    `  ${cells[i].map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    ...peerLines(row),
  ])
}

/** Returns what a row's value is: `delivery, to the bare loop`. */
export function metricText(/** @type {import('../suite.js').Row} */ { metric, of }) {
  return of === undefined ? metric : `${metric}, to ${of}`
}

/** @returns {string[]} what was measured for it */
export function costTexts(/** @type {import('../suite.js').Row} */ { costs }) {
  return Object.entries(costs).map(([name, cost]) => `${name} ${figure(cost)} µs`)
}

function peerLines(/** @type {import('../suite.js').Row} */ { peers = {}, unit }) {
  const texts = Object.entries(peers).map(([name, value]) => `${name} ${amount(value, unit)}`)
  return texts.length === 0 ? [] : [`      beside it: ${texts.join(' · ')}`]
}

/** @returns {string[]} what a run comes to */
export function summaryLines(/** @type {import('../suite.js').Findings} */ { machine, parts, seconds }) {
  const rows = parts.flatMap((part) => part.rows)
  const held = rows.filter(({ isReached }) => isReached !== undefined)
  const missed = held.filter(({ isReached }) => !isReached)
  const measuredParts = parts.map(({ part }) => part)
  const open = unmeasured(rows.filter(({ value }) => value !== undefined)).filter(({ part }) => measuredParts.includes(part))
  return [
    '',
    `${rows.length} rows, ${held.length} with a goal: ${held.length - missed.length} reached, ${missed.length} missed`,
    `${seconds} s on ${machineLine(machine)}`,
    ...open.map((goal) => `not measured: ${goal.part}, ${goal.metric} ${goalText(goal, '')}`),
  ]
}
