// All parts, one after the other, each case in a process of its own.
import { writeFileSync } from 'node:fs'
import { fromCaller } from './caller.js'
import { goalFor, isReached } from './goals.js'
import { machine } from './machine.js'
import { measuredCase } from './measure/case.js'
import { headingLines, rowLines, summaryLines } from './report/table.js'

/**
 * One line of the table.
 *
 * @typedef {object} Row
 * @property {string} part
 * @property {string} what is measured
 * @property {string} metric
 * @property {Readonly<Record<string, any>>} facts
 * @property {number} [value] a ratio, or an amount in `unit`; none where it could not be measured
 * @property {number} [low] quartile
 * @property {number} [high] quartile
 * @property {string} [of] what it is the ratio to
 * @property {string} [unit] `×` by default
 * @property {string} [remark]
 * @property {Readonly<Record<string, number>>} costs microseconds
 * @property {Readonly<Record<string, number>>} [peers] their ratio to the same
 * @property {import('./goals.js').Goal} [goal]
 * @property {boolean} [isReached]
 *
 * What a run has found.
 *
 * @typedef {object} Findings
 * @property {import('./machine.js').Machine} machine
 * @property {boolean} isQuick
 * @property {number} seconds
 * @property {readonly { part: string, title: string, seconds: number, rows: readonly Row[] }[]} parts
 */

/** Measures, and says what was found. */
export async function runSuite(/** @type {import('./options.js').Options} */ { only, quick, json, report, profile }) {
  const start = performance.now()
  const parts = []
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${fromCaller(profile)}`]
  for (const name of only) parts.push(await measuredPart(name, quick, flags))
  /** @type {Findings} */
  const findings = { machine: machine(), isQuick: quick, seconds: Math.round((performance.now() - start) / 1_000), parts }
  print(summaryLines(findings))
  if (json !== undefined) writeFileSync(fromCaller(json), `${JSON.stringify(findings, null, 2)}\n`)
  if (report) {
    // A drawing library takes its time to load.
    const { writeReport } = await import('./report/report.js')
    await writeReport(findings)
  }
  return findings
}

async function measuredPart(/** @type {string} */ name, /** @type {boolean} */ isQuick, /** @type {readonly string[]} */ flags) {
  const part = await import(`./parts/${name}.js`)
  const cases = part.cases(isQuick)
  print(headingLines(part.title))
  const start = performance.now()
  const outcomes = []
  for (const [i, facts] of cases.entries()) {
    progress(`${name} ${i + 1} of ${cases.length}`)
    outcomes.push({ facts, outcome: await measuredCase(name, facts, flags) })
  }
  progress('')
  /** @type {Row[]} */
  const rows = part.rows(outcomes).map((/** @type {Row} */ row) => judged({ ...row, part: name }))
  print(rowLines(rows))
  return { part: name, title: part.title, seconds: Math.round((performance.now() - start) / 100) / 10, rows }
}

/** @returns {Row} */
function judged(/** @type {Row} */ row) {
  const goal = goalFor(row)
  return goal === undefined ? row : { ...row, goal, isReached: row.value === undefined ? undefined : isReached(goal, row.value) }
}

function print(/** @type {readonly string[]} */ lines) {
  for (const line of lines) console.log(line)
}

/** One line that is overwritten, where somebody watches. */
function progress(/** @type {string} */ text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
