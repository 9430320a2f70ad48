import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { check, objectionsTo, resultsIn, scoreOf } from './check.js'
import { REASON } from './messages.js'

const SOURCE = ['const two = 1 + 1', '  if (two > 1) {', '    act()', '  }'].join('\n')

/** A report of one file with these mutants of its first line, one for each status. */
function reportOf(...statuses) {
  const location = { start: { line: 1, column: 13 }, end: { line: 1, column: 18 } }
  const mutants = statuses.map((status) => ({ location, mutatorName: 'ArithmeticOperator', replacement: '1 - 1', status }))
  return { files: { 'src/a.ts': { source: SOURCE, mutants } } }
}

const results = (...statuses) => resultsIn(reportOf(...statuses))
const killed = (count) => Array.from({ length: count }, () => 'Killed')

const account = {
  file: 'src/a.ts',
  line: 'const two = 1 + 1',
  mutator: 'ArithmeticOperator',
  original: '1 + 1',
  replacement: '1 - 1',
  reason: 'Nobody reads it.',
}

describe('resultsIn', () => {
  it('returns the original code and its replacement', () => {
    assert.deepEqual(results('Killed'), [
      { file: 'src/a.ts', line: 'const two = 1 + 1', number: 1, mutator: 'ArithmeticOperator', original: '1 + 1', replacement: '1 - 1', status: 'Killed', why: undefined },
    ])
  })

  it('joins the lines of a longer change', () => {
    const location = { start: { line: 2, column: 16 }, end: { line: 4, column: 4 } }
    const mutants = [{ location, mutatorName: 'BlockStatement', replacement: '{}', status: 'Killed' }]

    const [{ line, original }] = resultsIn({ files: { 'src/a.ts': { source: SOURCE, mutants } } })

    assert.deepEqual({ line, original }, { line: 'if (two > 1) {', original: '{ act() }' })
  })
})

describe('scoreOf', () => {
  it('is the share of mutants that were noticed, including hangs and excluding mutants that no test runs', () => {
    assert.equal(scoreOf(results('Killed', 'Timeout', 'Survived', 'NoCoverage')), 50)
  })

  it('does not count mutants that were left out or could not run', () => {
    assert.equal(scoreOf(results('Killed', 'Ignored', 'RuntimeError', 'CompileError')), 100)
  })
})

describe('objectionsTo', () => {
  it('accepts mutants that were killed', () => {
    assert.deepEqual(objectionsTo(results('Killed', 'Timeout'), []), [])
  })

  it('accepts a survivor that is listed', () => {
    assert.deepEqual(objectionsTo(results(...killed(19), 'Survived'), [account]), [])
  })

  for (const [what, statuses, accounts, objection] of [
    ['a survivor that is not listed', [...killed(99), 'Survived'], [], /src\/a.ts:1 .*"1 \+ 1" → "1 - 1" survived/],
    ['a mutant that no test runs', [...killed(99), 'NoCoverage'], [], /survived/],
    ['a second survivor if one is listed', [...killed(98), 'Survived', 'Survived'], [account], /survived/],
    ['a listed survivor in another file', [...killed(99), 'Survived'], [account, { ...account, file: 'src/b.ts' }], /did not survive, in src\/b.ts/],
    ['a listed survivor that was killed', killed(99), [account], /did not survive, in src\/a.ts/],
    ['a listed survivor with a blank reason', [...killed(99), 'Survived'], [{ ...account, reason: ' ' }], /no reason/],
    ['a listed survivor without a reason', [...killed(99), 'Survived'], [{ ...account, reason: undefined }], /no reason/],
    ['a mutant that was left out by a comment', ['Killed', 'Ignored'], [], /was left out/],
    ['a score that is too low, even if all survivors are listed', [...killed(18), 'Survived'], [account], /94\.74 %, below 95 %/],
  ]) {
    it(`objects to ${what}`, () => {
      const objections = objectionsTo(results(...statuses), accounts)

      assert.equal(objections.length, 1)
      assert.match(objections[0], objection)
    })
  }

  for (const field of ['line', 'mutator', 'original', 'replacement']) {
    it(`does not accept a listed survivor for a mutant with another ${field}`, () => {
      const objections = objectionsTo(results(...killed(99), 'Survived'), [{ ...account, [field]: 'another' }])

      assert.equal(objections.length, 2)
    })
  }

  it('accepts mutants that the rule left out', () => {
    const [ignored] = results('Ignored')

    assert.deepEqual(objectionsTo([{ ...ignored, why: REASON }], []), [])
  })
})

describe('check', () => {
  it('reports each file and the total, and whether all is well', () => {
    const printed = []

    const isWell = check(results(...killed(19), 'Survived'), [account], (line) => printed.push(line))

    assert.equal(isWell, true)
    assert.match(printed[0], /^95\.00 %: 20 mutants, 19 killed, 0 timed out, 1 survived, .* src\/a\.ts$/)
    assert.match(printed.at(-1), /1 survivors listed, 0 objections$/)
  })

  it('reports what is wrong', () => {
    const printed = []

    const isWell = check(results('Survived'), [], (line) => printed.push(line))

    assert.equal(isWell, false)
    assert.equal(printed.filter((line) => / survived$/.test(line)).length, 1)
  })
})
