// All parts, one after the other, each case in a process of its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { fromCaller } from './caller.js'
import { goalFor, isReached } from './goals.js'
import { machine } from './machine.js'
import { measuredCase } from './measure/case.js'
import { PARTS, UsageError } from './options.js'
import { middleOf } from './report/runs.js'
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
 * @property {number} [low] quartile; of several runs, the least
 * @property {number} [high] quartile; of several runs, the most
 * @property {string} [of] what it is the ratio to
 * @property {string} [unit] `×` by default
 * @property {string} [remark]
 * @property {Readonly<Record<string, number>>} costs microseconds
 * @property {Readonly<Record<string, number>>} [peers] their ratio to the same
 * @property {import('./goals.js').Goal} [goal]
 * @property {boolean} [isReached]
 *
 * What a run has found, or several.
 *
 * @typedef {object} Findings
 * @property {import('./machine.js').Machine} machine
 * @property {boolean} isQuick
 * @property {number} runs of which each row is the one in the middle
 * @property {number} seconds of all of them
 * @property {readonly { part: string, title: string, seconds: number, rows: readonly Row[] }[]} parts
 */

/** Measures, or reads what was measured, and says what was found. */
export async function runSuite(/** @type {import('./options.js').Options} */ options) {
  const { of, json, report } = options
  const findings = of === undefined ? await measured(options) : read(of)
  print(summaryLines(findings))
  if (json !== undefined) writeFileSync(fromCaller(json), `${JSON.stringify(findings, null, 2)}\n`)
  if (report) {
    // A drawing library takes its time to load.
    const { writeQuotes, writeReport } = await import('./report/report.js')
    await writeReport(findings)
    // README.md quotes full runs of all parts only.
    if (!findings.isQuick && findings.parts.length === PARTS.length) writeQuotes(findings)
  }
  return findings
}

/** @returns {Promise<Findings>} */
async function measured(/** @type {import('./options.js').Options} */ { only, quick, profile }) {
  const start = performance.now()
  const parts = []
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${fromCaller(profile)}`]
  for (const name of only) parts.push(await measuredPart(name, quick, flags))
  return { machine: machine(), isQuick: quick, runs: 1, seconds: Math.round((performance.now() - start) / 1_000), parts }
}

/** Held to the goals of now, which may have changed since. */
function read(/** @type {readonly string[]} */ files) {
  const findings = middleOf(files.map(readRun))
  const parts = findings.parts.map((part) => ({ ...part, rows: part.rows.map(judged) }))
  for (const { title, rows } of parts) print([...headingLines(title), ...rowLines(rows)])
  return { ...findings, parts }
}

/** @returns {Findings} */
function readRun(/** @type {string} */ file) {
  try {
    return JSON.parse(readFileSync(fromCaller(file), 'utf8'))
  } catch (error) {
    throw new UsageError(`${file} is no run: ${/** @type {Error} */ (error).message}`)
  }
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
  return { ...row, goal, isReached: goal === undefined || row.value === undefined ? undefined : isReached(goal, row.value) }
}

function print(/** @type {readonly string[]} */ lines) {
  for (const line of lines) console.log(line)
}

/** One line that is overwritten, where somebody watches. */
function progress(/** @type {string} */ text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
