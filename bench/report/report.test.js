import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { GOALS } from '../goals.js'
import { writeReport } from './report.js'
import { amount, figure, goalText, rowLines, summaryLines } from './table.js'

const MACHINE = { cpu: 'Some CPU', cores: 2, memoryGb: 8, platform: 'linux x64', node: 'v20.0.0' }

function row(changes = {}) {
  return {
    part: 'fan-out', what: 'to 1,000', metric: 'delivery', facts: { subscribers: 1_000, variant: 'plain', isMetered: false },
    value: 1.2, low: 1.1, high: 1.3, of: 'the bare loop', costs: { delivery: 2.4, 'bare loop': 2 }, peers: { crossws: 18 },
    goal: GOALS[0], isReached: true, ...changes,
  }
}

function findings(rows) {
  return { machine: MACHINE, isQuick: true, runs: 1, seconds: 60, parts: [{ part: 'fan-out', title: 'Fan-out', seconds: 1, rows }] }
}

describe('the table', () => {
  it('says the ratio first, then its quartiles, the goal, and what was measured', () => {
    assert.deepEqual(rowLines([row()]), [
      '  ✓ 1.20×  1.10–1.30  ≤ 1.35×  to 1,000  delivery, to the bare loop; delivery 2.40 µs; bare loop 2.00 µs',
      '      beside it: crossws 18.0×',
    ])
  })

  it('marks what is missed, what has no goal, and what could not be measured', () => {
    const marks = [row({ isReached: false }), row({ goal: undefined, isReached: undefined }), row({ value: undefined, isReached: undefined })]

    assert.deepEqual(rowLines(marks.map((each) => ({ ...each, peers: {} }))).map((line) => line.slice(2, 9)), ['✗ 1.20×', '  1.20×', '? –    '])
  })

  it('gives figures the digits that count', () => {
    assert.deepEqual([0.123, 1.234, 12.34, 123.4, 1_234.5].map(figure), ['0.12', '1.23', '12.3', '123', '1,235'])
    assert.equal(amount(80, 'B'), '80.0 B')
    assert.equal(goalText({ part: '', metric: '', atLeast: 20 }), '≥ 20.0×')
  })

  it('sums up, and names the goals that nothing was held to', () => {
    const [, sum, where, ...open] = summaryLines(findings([row(), row({ isReached: false })]))

    assert.equal(sum, '2 rows, 2 with a goal: 1 reached, 1 missed')
    assert.equal(where, '60 s on Node 20.0.0, linux x64, 2 × Some CPU, 8 GB')
    assert.deepEqual(open, ['not measured: fan-out, delivery ≤ 1.60 ', 'not measured: fan-out, delivery ≤ 3.00 '])
  })
})

describe('the report', () => {
  it('says of how many runs it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'report-'))
    try {
      await writeReport({ ...findings([row()]), isQuick: false, runs: 3 }, pathToFileURL(`${folder}/`))

      assert.match(readFileSync(join(folder, 'REPORT.md'), 'utf8'), /Of 3 full runs, 60 s: .*the least and the most of the runs/s)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('has every row, and the plots that there is something to draw for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'report-'))
    try {
      mkdirSync(join(folder, 'plots'))
      writeFileSync(join(folder, 'plots', 'of-an-earlier-run.svg'), '')
      const toTen = row({ what: 'to 10', facts: { subscribers: 10, variant: 'plain', isMetered: false }, value: 2, goal: GOALS[2] })

      await writeReport(findings([row(), toTen]), pathToFileURL(`${folder}/`))

      const report = readFileSync(join(folder, 'REPORT.md'), 'utf8')
      const judged = '| ✓ | to 1,000 | **1.20×** (1.10–1.30) | ≤ 1.35× |'
      assert.ok(report.includes(`\n${judged} delivery, to the bare loop | delivery 2.40 µs; bare loop 2.00 µs | 18.0× |\n`))
      assert.match(report, /^\| ✓ \| to 10 \|/m)
      assert.match(report, /Of one quick run, 60 s: Node 20\.0\.0.*the quartiles/s)
      assert.deepEqual(readdirSync(join(folder, 'plots')), ['fan-out.svg'])
      assert.match(readFileSync(join(folder, 'plots', 'fan-out.svg'), 'utf8'), /^<svg .*this library/s)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
