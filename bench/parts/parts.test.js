import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startedBroker } from '../brokers/broker.js'
import { GOALS, goalFor } from '../goals.js'
import { measuredCase } from '../measure/case.js'
import { PARTS } from '../options.js'

/** Too little to say anything, and enough to see that all that was published arrived. */
const HASTE = { populations: 1, rounds: 1, roundMs: 0.05, warmUpMs: 0.05 }

const SMALL = {
  'fan-out': ['ours', 'peers'].map((kind) => ({ kind, variant: 'plain', crowd: { connections: 10, connectionsPerUser: 1 }, ...HASTE })),
  publish: ['ours', 'peers'].map((kind) => ({ kind, subscribers: 10, ...HASTE })),
  'recorded-publish': [1, 10].map((subscribers) => ({ subscribers, ...HASTE })),
  throttled: [{ subscribers: 10, ...HASTE }],
  send: [false, true].map((isMetered) => ({ isMetered, connections: 10, ...HASTE })),
  'rare-stream': [HASTE],
  churn: [{ k: 2, sizes: [20, 40], hubs: ['ours', 'socket.io-adapter'], ...HASTE }],
  'churn-while-publishing': ['ours', 'peers'].map((kind) => ({ kind, subscribers: 10, publishesEach: 1, ...HASTE })),
  'raw-json': [{ bytes: 1_000, ...HASTE }],
  bytes: [{ levels: 40, ...HASTE }],
  reconnects: [{ clients: 3, streams: 10, warmUps: 0, rounds: 1 }],
  resume: [{ clients: 3, warmUps: 0, rounds: 1 }],
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
      assert.equal(made.some((row) => goalFor({ ...row, part: name }) !== undefined), GOALS.some(({ part }) => part === name))
    })
  })
}

describe('the part more-memory', () => {
  it('measures metadata, sessions and histories, and makes rows of them', async () => {
    const { rows } = await import('./more-memory.js')
    // The engine's own share of the heap differs by half a megabyte from one collection to the next. What is measured takes more than that.
    const cases = [{ kind: 'metadata', connections: 10_000 }, { kind: 'sessions', connections: 10_000 }, { kind: 'histories', channels: 50 }]
    const outcomes = []
    for (const facts of cases) outcomes.push({ facts, outcome: await measuredCase('more-memory', facts) })

    const made = rows(outcomes)

    assert.deepEqual(made.map(({ metric }) => metric), [
      'bytes per connection', 'bytes per session', 'bytes per subscription', 'bytes afterwards', 'bytes per message kept',
    ])
    for (const { metric, value } of made) if (metric !== 'bytes afterwards') assert.ok(value > 0, metric)
  })
})

describe('the part throttled', () => {
  it('says what one change costs, of an interval of a hundred', async () => {
    const { rows } = await import('./throttled.js')

    const [{ value, costs }] = rows([{ facts: { subscribers: 10 }, outcome: { throttled: [20], 'every change': [100] } }])

    assert.equal(value, 0.2)
    assert.deepEqual(costs, { 'a throttled change': 0.2, 'a published change': 1 })
  })
})

describe('the part resume', () => {
  it('shares what messages cost among them, without what a client costs who missed nothing', async () => {
    const { rows } = await import('./resume.js')
    const outcome = { 0: { recovery: [200], 'socket.io': [300] }, 100: { recovery: [400], 'socket.io': [1_300] } }

    const [client, , message] = rows([{ facts: { clients: 10 }, outcome }])

    assert.deepEqual(client.costs, { recovery: 400, 'socket.io': 1_300 })
    assert.deepEqual([message.value, message.costs], [0.2, { recovery: 2, 'socket.io': 10 }])
    assert.equal(goalFor({ ...client, part: 'resume' })?.atMost, 0.5)
  })
})

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

describe('the part cluster-publish', () => {
  it('says so if a broker is not installed', async () => {
    const { rows } = await import('./cluster-publish.js')
    const facts = { kind: 'node', client: 'ioredis', hasSubscriber: false }

    const made = rows([{ facts, outcome: null }, { facts: { kind: 'broker', client: 'NATS' }, outcome: null }])

    assert.deepEqual(made.map(({ value, remark }) => [value, remark]), [
      [undefined, 'not measured: redis-server was not found'],
      [undefined, 'not measured: redis-server was not found'],
      [undefined, 'not measured: nats-server was not found'],
      [undefined, 'not measured: nats-server was not found'],
    ])
    assert.ok(goalFor({ ...made[0], part: 'cluster-publish' }))
  })

  it('compares each round with that of a relay by hand', async () => {
    const { rows } = await import('./cluster-publish.js')
    const outcome = { 'by hand': [2, 4, 6], cluster: [3, 6, 9] }

    const [{ value, costs }] = rows([{ facts: { kind: 'node', client: 'NATS', hasSubscriber: false }, outcome }])

    assert.equal(value, 1.5)
    assert.deepEqual(costs, { 'by hand': 4, cluster: 6 })
  })

  it('compares each round with that of socket.io over Redis, in a row without a goal', async () => {
    const { rows } = await import('./cluster-publish.js')
    const outcome = { 'by hand': [2, 4, 6], cluster: [3, 6, 9], 'socket.io': [6, 24, 18] }

    const [byHand, besideSocketIo, ...rest] = rows([{ facts: { kind: 'node', client: 'node-redis', hasSubscriber: false }, outcome }])

    assert.deepEqual([byHand.value, byHand.costs], [1.5, { 'by hand': 4, cluster: 6 }])
    assert.deepEqual([besideSocketIo.value, besideSocketIo.costs], [0.5, { 'socket.io': 18, cluster: 6 }])
    assert.equal(goalFor({ ...besideSocketIo, part: 'cluster-publish' }), undefined)
    assert.equal(rest.length, 0)
  })

  for (const client of ['node-redis', 'ioredis']) {
    it(`counts what each contender publishes over ${client} at the other end, if Redis is installed`, async () => {
      const { measure, rows } = await import('./cluster-publish.js')
      const facts = { kind: 'node', client, hasSubscriber: false, rounds: 1, roundMs: 0.05 }

      const made = rows([{ facts, outcome: await measure(facts) }])

      assert.deepEqual(made.map(({ metric }) => metric), ['cluster publish', 'publish beside socket.io'])
      for (const { value, remark } of made) assert.ok(remark === undefined ? value > 0 : remark.startsWith('not measured'))
    })
  }

  it('shares what further subscribers cost the broker among them', async () => {
    const { rows } = await import('./cluster-publish.js')

    const made = rows([{ facts: { kind: 'broker', client: 'NATS' }, outcome: [2, 7] }, { facts: { kind: 'broker', client: 'NATS' }, outcome: [null, null] }])

    assert.deepEqual(made.map(({ value }) => value), [2, 0.5, undefined, undefined])
    assert.match(made[3].remark, /not measured/)
  })
})

describe('the part node-to-node', () => {
  const ROUNDS = { p50: [2, 4, 6], p99: [10, 20, 30] }
  const FASTER = { p50: [1, 2, 3], p99: [4, 8, 12] }

  it('compares each round with that of socket.io', async () => {
    const { rows } = await import('./node-to-node.js')
    const outcome = { 'cluster over node-redis': FASTER, 'cluster over NATS': ROUNDS, 'socket.io': ROUNDS }

    const made = rows([{ facts: {}, outcome }])

    assert.deepEqual(made.map(({ what, metric, value, costs }) => [what, metric, value, costs]), [
      ['over node-redis', 'p50 latency', 0.5, { 'socket.io': 4, 'cluster over node-redis': 2 }],
      ['over node-redis', 'p99 latency', 0.4, { 'socket.io': 20, 'cluster over node-redis': 8 }],
      ['over NATS', 'p50 latency', 1, { 'socket.io': 4, 'cluster over NATS': 4 }],
      ['over NATS', 'p99 latency', 1, { 'socket.io': 20, 'cluster over NATS': 20 }],
    ])
  })

  it('says so if a broker is not installed', async () => {
    const { rows } = await import('./node-to-node.js')
    const remarks = (outcome) => rows([{ facts: {}, outcome }]).map(({ remark }) => remark)
    const [noRedis, noNats] = ['redis-server', 'nats-server'].map((program) => `not measured: ${program} was not found`)

    assert.deepEqual(remarks({ 'cluster over node-redis': FASTER, 'socket.io': ROUNDS }), [undefined, undefined, noNats, noNats])
    assert.deepEqual(remarks({ 'cluster over NATS': FASTER }), [noRedis, noRedis, noRedis, noRedis])
    assert.deepEqual(remarks({})[0], noRedis)
  })

  it('counts each message at a client of another process, over each broker that is installed', async () => {
    const { measure } = await import('./node-to-node.js')

    const outcome = await measure({ rounds: 1, messages: 3, warmUps: 1, everyMs: 1 })

    for (const { p50: [p50], p99: [p99] } of Object.values(outcome)) assert.ok(p50 > 0 && p99 >= p50)
  })
})

describe('a broker', () => {
  it('that is not installed is not there', async () => {
    assert.equal(await startedBroker({ program: 'no-such-broker', argumentsFor: () => [] }), undefined)
  })
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
