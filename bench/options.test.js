import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PARTS, parseOptions, UsageError } from './options.js'

describe('the command line', () => {
  it('measures all parts, in full, unless told otherwise', () => {
    assert.deepEqual({ ...parseOptions([]) }, { quick: false, report: false, only: PARTS })
  })

  it('measures some parts, in the order of the suite', () => {
    assert.deepEqual(parseOptions(['--only', 'size,fan-out']).only, ['fan-out', 'size'])
  })

  it('takes the rest as it is', () => {
    const { quick, report, json, library, profile } = parseOptions(['--quick', '--report', '--json', 'a.json', '--library', 'dist', '--profile', 'p'])

    assert.deepEqual([quick, report, json, library, profile], [true, true, 'a.json', 'dist', 'p'])
  })

  it('takes the runs of which the median is wanted', () => {
    assert.deepEqual(parseOptions(['--of', 'a.json,b.json', '--report']).of, ['a.json', 'b.json'])
  })

  it('helps', () => {
    assert.equal(parseOptions(['--help']), 'help')
    assert.equal(parseOptions(['-h', '--quick']), 'help')
  })

  for (const args of [['--only', 'fan-in'], ['--only', ''], ['--fast'], ['quick'], ['--json']]) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.throws(() => parseOptions(args), UsageError)
    })
  }
})
