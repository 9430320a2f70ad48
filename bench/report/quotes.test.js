import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { QUOTES, quotedLines, quoting } from './quotes.js'
import { amount } from './table.js'

const PAGE = read('../README.md')
const REPORT = read('../REPORT.md')
/** Pages that mention single figures. */
const MENTIONING = ['../../README.md', '../../docs/when-not.md']
const MACHINE = { cpu: 'Some CPU', cores: 2, memoryGb: 8, platform: 'linux x64', node: 'v20.0.0' }

function findings(changes = {}) {
  const rows = QUOTES.map(({ words: _words, ...row }, i) => ({ metric: 'growth', facts: {}, costs: {}, value: i + 1, remark: 'plain loop 1 k/s', ...row }))
  return { machine: MACHINE, isQuick: false, runs: 3, seconds: 60, parts: [{ part: 'all', title: 'All', seconds: 60, rows }], ...changes }
}

function read(/** @type {string} */ path) {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** The cells of the rows that the page quotes. */
function quotedRows() {
  const table = PAGE.slice(PAGE.indexOf('<!-- report:'), PAGE.indexOf('<!-- /report -->'))
  return table.split('\n').filter((line) => line.startsWith('|')).slice(2).map(cells)
}

/** The cells of a row in Markdown. */
function cells(/** @type {string} */ line) {
  return line.split('|').slice(1, -1).map((cell) => cell.trim())
}

describe('what bench/README.md quotes', () => {
  it('is a row of the report each, in other words', () => {
    const lines = quotedLines(findings())

    assert.deepEqual(lines.slice(2, 2 + QUOTES.length).map((line) => cells(line)[1]), QUOTES.map((_, i) => `**${amount(i + 1)}**`))
    assert.deepEqual(cells(lines[2]), ['500 real ws sockets, ten messages of 200 B a tick, `wsTransport()`', '**1.00×**', 'CPU per delivery, to plain loop'])
    assert.deepEqual(lines.slice(-3), [
      'Deliveries per second and latency of the first row: plain loop 1 k/s.', '', 'Medians of 3 full runs; Node 20.0.0, linux x64, 2 × Some CPU, 8 GB.',
    ])
  })

  it('is renewed where it stands', () => {
    const before = 'a\n<!-- report: npm run bench -- --report -->\nold\n<!-- /report -->\nb\n'

    assert.equal(quoting(before, findings()), before.replace('old', quotedLines(findings()).join('\n')))
    assert.throws(() => quoting('no place for it', findings()), /must have/)
  })

  it('cannot be what was not measured', () => {
    assert.throws(() => quotedLines(findings({ parts: [] })), /does not exist: \{"part":"real-ws"/)
  })

  it('is what the report holds', () => {
    const quoted = quotedRows()
    const reported = REPORT.split('\n').filter((line) => /^\| [✓✗?]? ?\|/.test(line)).map(cells)

    assert.equal(quoted.length, QUOTES.length)
    for (const [i, { words, what }] of QUOTES.entries()) {
      const [saidWords, result, metric] = quoted[i]
      assert.equal(saidWords, words)
      const row = reported.find(([, name, value, , beside]) => name === what && value.startsWith(result) && beside === metric)
      assert.ok(row !== undefined, `"${what}", ${metric}: ${result} is not in the report`)
    }
  })

  for (const path of MENTIONING) {
    it(`has every ratio that ${path} mentions`, () => {
      const mentioned = read(path).match(/\d+\.\d\d×/g) ?? []
      const quoted = quotedRows().map(([, result]) => result.replaceAll('*', ''))

      assert.ok(mentioned.length > 0)
      assert.deepEqual(mentioned.filter((ratio) => !quoted.includes(ratio)), [])
    })
  }
})
