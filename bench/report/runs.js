// Several runs as one.
import { UsageError } from '../options.js'

/**
 * Returns what several runs of the same rows on the same machine have found: each row is that of the run in the middle, from the least
 * to the most that any of them had. Of an even number, the lower one of those in the middle.
 *
 * @param {readonly import('../suite.js').Findings[]} runs
 * @returns {import('../suite.js').Findings}
 */
export function middleOf(runs) {
  const [first] = runs
  if (new Set(runs.map(outline)).size > 1) throw new UsageError('These runs did not measure the same on the same machine')
  const parts = first.parts.map((part, p) => ({
    ...part,
    seconds: sum(runs.map((run) => run.parts[p].seconds)),
    rows: part.rows.map((_, r) => middleRow(runs.map((run) => run.parts[p].rows[r]))),
  }))
  return { ...first, runs: sum(runs.map((run) => run.runs)), seconds: sum(runs.map(({ seconds }) => seconds)), parts }
}

/** What runs must have in common. */
function outline(/** @type {import('../suite.js').Findings} */ { machine, isQuick, parts }) {
  const rows = parts.flatMap((part) => part.rows.map(({ what, metric, of, value }) => [part.part, what, metric, of, value === undefined]))
  return JSON.stringify([machine, isQuick, rows])
}

/** @returns {import('../suite.js').Row} */
function middleRow(/** @type {readonly import('../suite.js').Row[]} */ rows) {
  if (rows[0].value === undefined) return rows[0]
  const sorted = rows.toSorted((a, b) => Number(a.value) - Number(b.value))
  return { ...sorted[Math.floor((sorted.length - 1) / 2)], low: sorted[0].value, high: sorted[sorted.length - 1].value }
}

function sum(/** @type {readonly number[]} */ numbers) {
  return numbers.reduce((total, each) => total + each, 0)
}
