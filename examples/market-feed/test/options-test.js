import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UsageError } from '../../command-line.js'
import { parseOptions } from '../options.js'

/** @param {string[]} args */
function refuses(...args) {
  const isOneLine = (/** @type {unknown} */ error) => error instanceof UsageError && !error.message.includes('\n')
  assert.throws(() => parseOptions(args), isOneLine, args.join(' '))
}

describe('parseOptions', () => {
  test('has a default for each option', () => {
    assert.deepEqual(parseOptions([]), {
      feed: undefined, speed: 1, users: 40, connections: 2, slow: 4, seed: 1, inject: undefined,
    })
  })

  test('reads each option', () => {
    const args = '--feed a.ndjson --speed 2.5 --users 5 --connections=3 --slow 0 --seed 0 --inject swap'.split(' ')
    assert.deepEqual(parseOptions(args), {
      feed: 'a.ndjson', speed: 2.5, users: 5, connections: 3, slow: 0, seed: 0, inject: 'swap',
    })
  })

  test('takes max for a speed without limit', () => {
    const options = parseOptions(['--speed', 'max'])
    assert.equal(options !== 'help' && options.speed, Infinity)
  })

  test('answers help, long and short', () => {
    assert.equal(parseOptions(['--help']), 'help')
    assert.equal(parseOptions(['-h']), 'help')
  })

  test('refuses what it does not know', () => {
    refuses('--bogus')
    refuses('extra')
    refuses('--inject', 'steal')
    refuses('--inject', 'constructor')
  })

  test('refuses a number that is none, or out of range', () => {
    for (const name of ['--users', '--connections']) {
      for (const value of ['0', '-1', '1.5', 'x', '', '0x10', '1e9', ' 1']) refuses(`${name}=${value}`)
    }
    for (const value of ['0', '-1', 'fast', '', 'Infinity', '1e400', 'NaN']) refuses(`--speed=${value}`)
    for (const value of ['-1', '1.5', '4294967296', '']) refuses(`--seed=${value}`)
    for (const value of ['-1', '1.5', '1e9', 'all', '']) refuses(`--slow=${value}`)
  })

  test('refuses an option without its value, in one line', () => {
    refuses('--feed')
    refuses('--feed=')
    refuses('--users', '-1')
  })
})
