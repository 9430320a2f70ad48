import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { behindIn, behindLines } from './behind.js'

const REPORT = readFileSync(new URL('../REPORT.md', import.meta.url), 'utf8')

function findings(rows) {
  return { machine: {}, isQuick: false, runs: 3, seconds: 1, parts: [{ part: rows[0].part, title: 'A part', seconds: 1, rows }] }
}

function row(changes) {
  return { part: 'fan-out', what: 'to 1', metric: 'delivery', facts: {}, value: 1, costs: {}, ...changes }
}

function behind(...rows) {
  return behindIn(findings(rows)).map(({ row: { what }, peer, times }) => [what, peer, Number(times.toFixed(2))])
}

describe('where a peer costs less', () => {
  it('is where a row is more than once the cost of a peer', () => {
    const rows = [{ of: 'socket.io', value: 1.2 }, { of: 'crossws', value: 0.9 }, { of: 'native publish', value: 1.3 }].map(row)

    assert.deepEqual(behind(...rows), [['to 1', 'socket.io', 1.2], ['to 1', 'native publish', 1.3]])
  })

  it('is where this library is less than once as fast', () => {
    const metric = 'times as fast as socket.io-adapter'

    assert.deepEqual(behind(row({ metric, value: 0.5 }), row({ metric, value: 1.5 })), [['to 1', 'socket.io-adapter', 2]])
  })

  it('is where a peer beside a row has the smaller ratio to the same', () => {
    assert.deepEqual(behind(row({ of: 'the bare loop', value: 6, peers: { mitt: 3, 'five maps': 12 } })), [['to 1', 'mitt', 2]])
  })

  it('is where the same takes a peer less memory', () => {
    const facts = { connections: 100, connectionsPerUser: 1 }
    const mine = (/** @type {object} */ more) => row({ value: 200, facts: { ...facts, isOurs: true, hub: 'ours' }, ...more })
    const theirs = (/** @type {string} */ metric, /** @type {number} */ value) => row({ metric, value, facts: { ...facts, isOurs: false, hub: 'crossws', k: 10 } })

    assert.deepEqual(behind(
      mine({ what: 'a connection', metric: 'bytes per connection', facts: { ...facts, isOurs: true, k: 1 } }),
      mine({ what: 'one', metric: 'bytes per subscription', facts: { ...facts, isOurs: true, k: 1 } }),
      mine({ what: 'ten', metric: 'bytes per subscription', facts: { ...facts, isOurs: true, k: 10 } }),
      theirs('bytes per connection', 100), theirs('bytes per subscription', 50),
    ), [['a connection', 'crossws', 2], ['ten', 'crossws', 4]])
  })

  it('is not where both cost the same, beside a loop without a library, or where nothing was measured', () => {
    const sendLoop = { contender: 'send loop' }
    const rows = [
      { of: 'socket.io', value: 1.004 }, { of: 'plain loop', value: 2 }, { of: 'native publish', value: 6, facts: sendLoop }, { of: 'crossws', value: undefined },
    ]

    assert.deepEqual(behind(...rows.map(row)), [])
    assert.deepEqual(behindLines(findings(rows.map(row))), [])
  })

  it('says by how much, why, and when it matters', () => {
    const lines = behindLines(findings([row({ peers: { mitt: 0.5, nanoevents: 0.8 } })]))

    assert.deepEqual(lines.slice(0, 2), ['', '## Where a peer costs less'])
    assert.match(lines.join('\n'), /\*\*A part\.\*\* A delivery has a fixed part.*It matters to a server/s)
    assert.equal(lines.at(-1), '| to 1 | delivery | mitt **2.00×** · nanoevents **1.25×** |')
  })

  it('says where nobody knows why', () => {
    assert.ok(behindLines(findings([row({ part: 'slow-clients', of: 'socket.io', value: 2 })])).join().includes('Nobody has explained this yet.'))
  })

  it('is explained in the report, row by row', () => {
    assert.match(REPORT, /## Where a peer costs less/)
    assert.doesNotMatch(REPORT, /Nobody has explained this yet/)
  })
})
