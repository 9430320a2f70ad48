import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { objectionsTo, uncoveredIn } from './check.js'

const at = (line) => ({ start: { line }, end: { line } })
const LINES = ['first', '  second', 'third']

/** A report of one file in which everything is covered except what is given. */
function reportOf({ s = { 0: 1 }, f = { 0: 1 }, b = { 0: [1, 1] } } = {}) {
  const statementMap = { 0: at(1) }
  const fnMap = { 0: { decl: at(2), loc: at(2) } }
  const branchMap = { 0: { loc: at(3), locations: [at(3), { start: {}, end: {} }] } }
  return { 'src/a.ts': { statementMap, s, fnMap, f, branchMap, b } }
}

const uncovered = (report) => uncoveredIn(report, () => LINES)

describe('uncoveredIn', () => {
  it('finds nothing where all is covered', () => {
    assert.deepEqual(uncovered(reportOf()), [])
  })

  it('finds a statement, a function, and either arm of a branch', () => {
    const found = uncovered(reportOf({ s: { 0: 0 }, f: { 0: 0 }, b: { 0: [0, 0] } }))

    assert.deepEqual(found, [
      { file: 'src/a.ts', number: 1, line: 'first', what: 'statement' },
      { file: 'src/a.ts', number: 2, line: 'second', what: 'function' },
      { file: 'src/a.ts', number: 3, line: 'third', what: 'branch' },
      { file: 'src/a.ts', number: 3, line: 'third', what: 'branch' },
    ])
  })
})

describe('objectionsTo', () => {
  const place = { file: 'src/a.ts', number: 1, line: 'first', what: 'statement' }
  const entry = { file: 'src/a.ts', line: 'first', reason: 'For the compiler.' }

  it('has nothing against what is accounted for', () => {
    assert.deepEqual(objectionsTo([place], [entry]), [])
    assert.deepEqual(objectionsTo([], []), [])
  })

  for (const [what, places, account] of [
    ['what is not accounted for', [place], []],
    ['what is accounted for in another file', [place], [entry, { ...entry, file: 'src/b.ts' }]],
    ['what is accounted for with other words', [{ ...place, line: 'changed' }, place], [entry]],
    ['an account of what is covered by now', [], [entry]],
    ['an account without a reason', [place], [{ ...entry, reason: ' ' }]],
    ['an account that lacks the reason', [place], [{ file: entry.file, line: entry.line }]],
  ]) {
    it(`objects to ${what}`, () => {
      assert.equal(objectionsTo(places, account).length, 1)
    })
  }
})
