import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../../command-line.js'
import { parseOptions } from '../options.js'

/** @import { Options } from '../options.js' */

describe('parseOptions', () => {
  it('has a default for each', () => {
    assert.deepEqual(parseOptions([]), {
      port: 0, feed: undefined, speed: 1, seed: 1, trades: 'drop', nodes: 1, graceMs: 10_000, lifetimeMs: 86_400_000, broker: undefined,
    })
  })

  it('takes each', () => {
    const args = ['--port', '8080', '--feed', 'a.ndjson', '--speed', '2.5', '--seed', '0', '--trades', 'keep', '--nodes', '2', '--grace', '0', '--lifetime', '60']

    assert.deepEqual(parseOptions(args), {
      port: 8080, feed: 'a.ndjson', speed: 2.5, seed: 0, trades: 'keep', nodes: 2, graceMs: 0, lifetimeMs: 60_000, broker: undefined,
    })
  })

  it('takes the address of a broker, which two nodes use by default', () => {
    const { nodes, broker } = /** @type {Options} */ (parseOptions(['--redis', 'redis://127.0.0.1:7000']))

    assert.deepEqual([nodes, broker], [2, { kind: 'redis', url: 'redis://127.0.0.1:7000' }])
    assert.deepEqual(/** @type {Options} */ (parseOptions(['--nats', 'nats://127.0.0.1', '--nodes', '3'])).broker, { kind: 'nats', url: 'nats://127.0.0.1' })
  })

  it('is asked for help', () => {
    assert.equal(parseOptions(['--help', '--port', 'x']), 'help')
    assert.equal(parseOptions(['-h']), 'help')
  })

  for (const args of [
    ['--port', '-1'], ['--port', '65536'], ['--port', ''], ['--port', '0x10'], ['--feed', ''], ['--speed', '0'], ['--speed', 'max'],
    ['--speed', '21'], ['--seed', '1.5'], ['--seed', '4294967296'], ['--trades', 'all'], ['--nodes', '0'], ['--grace', '-1'], ['--lifetime', '0'], ['--lifetime', '86401'], ['--redis', '127.0.0.1'], ['--redis', ''], ['--nats', 'redis://127.0.0.1'], ['--redis', 'redis://a', '--nats', 'nats://a'], ['--nodes', '5'], ['--what'], ['what'], ['--port'],
  ]) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.throws(() => parseOptions(args), (error) => error instanceof UsageError && !error.message.includes('\n'))
    })
  }
})
