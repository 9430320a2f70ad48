import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams } from '../../../src/index.ts'
import { createRecovery, type RecoveryOptions } from '../../../src/recovery/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const catalogue = {
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  ORDERS: { audience: 'private' },
} as const
const standard = defineStreams(catalogue)
type Streams = typeof standard

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const
const PRICE = { streamType: 'PRICE', symbol: 'A' } as const

interface Run {
  readonly recovery?: RecoveryOptions<Streams>
  readonly streams?: Streams
  readonly serialize?: () => string
  /** How long after the begin of the test the server begins. */
  readonly atMs?: number
}

/** A server whose epochs all have the name of its run. A message is held for 1,000 ms. */
function server(epoch: string, { recovery: options, streams = standard, serialize, atMs = 0 }: Run = {}) {
  const clock = new ManualClock()
  // The monotonic clock says nothing about the time of day.
  clock.advance(10_000)
  clock.jump(atMs - 10_000)
  const recovery = createRecovery<Streams>({ randomEpoch: () => epoch, history: { ageMs: 1_000 }, ...options })
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock, recorder: recovery, serialize })
  let count = 0
  const connect = (userId = 'alice') => manager.addConnection(`c${++count}`, new FakeSocket(), userId)
  const resume = (position: string, stream: object = TRADES, userId?: string) => recovery.subscribe(connect(userId), { ...stream, position } as never)
  const archive = () => JSON.parse(recovery.export()) as { channels: { messages: { ageMs: number }[] }[]; floors: { ageMs: number }[] }
  return { clock, recovery, manager, connect, resume, archive }
}

function agesIn({ channels, floors }: ReturnType<ReturnType<typeof server>['archive']>) {
  return { messages: channels.flatMap(({ messages }) => messages.map(({ ageMs }) => ageMs)), floors: floors.map(({ ageMs }) => ageMs) }
}

describe('an archive', () => {
  it('has the ages of messages and revocations, which go on through a restart', () => {
    const before = server('e1')
    before.manager.publish({ ...TRADES, data: 1 })
    before.clock.advance(100)
    before.manager.revoke({ userId: 'eve' })
    before.clock.advance(200)
    const first = before.archive()

    const after = server('e2', { recovery: { restore: JSON.stringify(first) }, atMs: 800 })
    after.clock.advance(50)

    expect([agesIn(first), agesIn(after.archive())]).toEqual([{ messages: [300], floors: [200] }, { messages: [850], floors: [750] }])
  })

  it('keeps the messages of each user of a private stream for this user', () => {
    const before = server('e1')
    const ordersOf = (userId: string) => ({ streamType: 'ORDERS', userId }) as const
    for (const userId of ['alice', 'bob']) before.manager.publish({ ...ordersOf(userId), data: `for ${userId}` })

    const after = server('e2', { recovery: { restore: before.recovery.export() } })

    expect(['alice', 'bob', 'eve'].map((userId) => after.recovery.lastValue(ordersOf(userId))?.data)).toEqual(['for alice', 'for bob', undefined])
    expect(['alice', 'eve'].map((userId) => after.resume('e1:0', { streamType: 'ORDERS' }, userId).recovered)).toEqual([true, false])
  })

  it.each([
    ['requires a symbol now', 'none', 'required', {}],
    ['requires no symbol any more', 'required', 'optional', { symbol: 'A' }],
    ['still has no symbol', 'none', 'none', {}],
  ] as const)('loses a channel only if its type has another rule for symbols: one that %s', (_case, rule, ruleNow, symbol) => {
    const withRule = (symbol: 'none' | 'optional' | 'required') => defineStreams({ ...catalogue, ALERTS: { audience: 'public', symbol } }) as unknown as Streams
    const before = server('e1', { streams: withRule(rule) })
    before.manager.publish({ streamType: 'ALERTS', ...symbol, data: 1 } as never)

    const after = server('e2', { streams: withRule(ruleNow), recovery: { restore: before.recovery.export() } })

    expect(after.recovery.stats().channels).toBe(rule === ruleNow ? 1 : 0)
  })

  it('keeps what `stamp` needs to mark last values as snapshots', () => {
    const host: Run = { serialize: () => 'value', recovery: { stamp: (text, { epoch, seq, snapshot }) => `${text} ${epoch}#${seq}${snapshot === true ? '!' : ''}` } }
    const before = server('e1', host)
    before.manager.publish({ ...PRICE, data: 1 })
    const { units } = before.recovery.stats()

    const after = server('e2', { ...host, recovery: { ...host.recovery, restore: before.recovery.export() } })
    const client = after.connect()
    after.recovery.subscribe(client, PRICE)

    expect(client.socket.sent.slice(1)).toEqual(['value e1#1!'])
    expect([units, after.recovery.stats().units]).toEqual([15, 15])
  })

  it('keeps one text of each message if the texts are in the wire form', () => {
    const { recovery, manager, connect } = server('e1')
    const client = connect()
    client.subscribe(PRICE)
    manager.publish({ ...PRICE, data: 1 })

    expect(recovery.stats().units).toBe(client.socket.sent[0]?.length)
  })
})
