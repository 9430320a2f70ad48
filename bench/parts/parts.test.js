import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { goalFor } from '../goals.js'
import { PARTS } from '../options.js'

/** Too little to say anything, and enough to see that all that was published arrived. */
const HASTE = { populations: 1, rounds: 1, roundMs: 0.05, warmUpMs: 0.05 }

const SMALL = {
  'fan-out': ['ours', 'peers'].map((kind) => ({ kind, variant: 'plain', crowd: { connections: 10, connectionsPerUser: 1 }, ...HASTE })),
  publish: ['ours', 'peers'].map((kind) => ({ kind, subscribers: 10, ...HASTE })),
  'recorded-publish': [1, 10].map((subscribers) => ({ subscribers, ...HASTE })),
  'rare-stream': [HASTE],
  churn: [{ k: 2, sizes: [20, 40], hubs: ['ours', 'socket.io-adapter'], ...HASTE }],
  'churn-while-publishing': ['ours', 'peers'].map((kind) => ({ kind, subscribers: 10, publishesEach: 1, ...HASTE })),
  'raw-json': [{ bytes: 1_000, ...HASTE }],
  bytes: [{ levels: 40, ...HASTE }],
}

for (const [name, cases] of Object.entries(SMALL)) {
  describe(`the part ${name}`, () => {
    it('measures, and makes rows of what it measured', async () => {
      const { measure, rows } = await import(`./${name}.js`)
      const outcomes = []
      for (const facts of cases) outcomes.push({ facts, outcome: await measure(facts) })

      const made = rows(outcomes)

      assert.ok(made.length > 0)
      for (const { what, value, costs } of made) {
        assert.ok(what.length > 0 && Number.isFinite(value))
        assert.ok(Object.keys(costs).length > 0)
      }
      assert.ok(made.some((row) => goalFor({ ...row, part: name }) !== undefined))
    })
  })
}

describe('each part', () => {
  for (const name of PARTS) {
    it(`${name} has fewer cases, or less to do, in a quick run`, async () => {
      const { cases, title } = await import(`./${name}.js`)

      assert.ok(title.length > 0)
      assert.ok(cases(true).length > 0 && cases(true).length <= cases(false).length)
      assert.notDeepEqual(cases(true), cases(false))
    })
  }
})

describe('the part bun', () => {
  it('says so where Bun is not installed', async () => {
    const { rows } = await import('./bun.js')

    const [row] = rows([{ facts: { sockets: 500, loads: [{ bytes: 200, messagesPerTick: 1 }] }, outcome: [null] }])

    assert.equal(row.value, undefined)
    assert.match(row.remark, /not installed/)
    assert.ok(goalFor({ ...row, part: 'bun' }))
  })
})
