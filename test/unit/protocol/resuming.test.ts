import { describe, expect, it } from 'vitest'
import { createCommandServer, type CommandRecovery } from '../../../src/protocol/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { A, B, C, clientOf, deferred, desk, recoveringDesk, settled, subscribe, told, unsubscribe, type Streams } from './desk.ts'

const P = { stream_type: 'PRICE', symbol: 'A' }

describe('a command server with a recovery', () => {
  it('answers with the position, the id and what the recovery knows, and passes the filters on', () => {
    const { connect } = recoveringDesk()
    const client = connect()

    client.ask(subscribe(7, A, { filters: { depth: 5 } }))

    expect(client.frames()).toEqual([
      { type: 'subscribed', id: 7, stream_type: 'TRADES', symbol: 'A', position: 'e1:0', recovered: null, contiguous: true, delivery: 'every' },
    ])
    expect(client.connection.subscriptions()).toMatchObject([{ filters: { depth: 5 } }])
  })

  it('refuses, and reports to the host, if the recovery is not the recorder of a manager', async () => {
    const { connect, errors } = desk({ recovery: createRecovery<Streams>() })
    const client = connect()

    client.ask(subscribe(7, A))
    await settled()

    expect(told(client.frames())).toEqual(['refused 7 ERR_FAILED'])
    expect(errors).toMatchObject([{ code: 'ERR_INVALID_OPTION', option: 'recorder' }])
  })

  it('sends again what a client missed, between the answer and what is live', () => {
    const { connect, trade } = recoveringDesk()
    connect().ask(subscribe(1))
    trade(1)
    trade(2)
    trade(3)
    const client = connect()

    client.ask(subscribe(7, A, { position: 'e1:1' }))
    trade(4)

    const [answer, ...messages] = client.frames()
    expect(answer).toMatchObject({ type: 'subscribed', id: 7, position: 'e1:1', recovered: true })
    expect(told(messages)).toEqual(['2', '3', '4'])
  })

  it.each([
    ['of another epoch', 'other:1'],
    ['of no form', 'x'],
    ['longer than 1,024 units', 'x'.repeat(1_025)],
    ['of another type', 7],
    ['of any object', { epoch: 'e1' }],
  ])('recovers nothing from a position %s, and does not refuse it', (_, position) => {
    const client = recoveringDesk().connect()

    client.ask(subscribe(7, A, { position }))

    expect(client.frames()).toMatchObject([{ type: 'subscribed', id: 7, recovered: false }])
  })

  it('takes null for no position', () => {
    const client = recoveringDesk().connect()

    client.ask(subscribe(7, A, { position: null }))

    expect(client.frames()).toMatchObject([{ recovered: null }])
  })

  it('refuses what the recovery refuses, with its code', () => {
    const client = recoveringDesk().connect()

    client.ask(subscribe(7, { stream_type: 'TRADES' }, { position: 'e1:1' }))

    expect(told(client.frames())).toEqual(['refused 7 ERR_SYMBOL_REQUIRED'])
  })

  it('tells a client that its subscription was revoked', () => {
    const { connect, manager } = recoveringDesk()
    const client = connect()
    client.ask(subscribe(7))
    client.frames()

    manager.revoke({ streamType: 'TRADES' })

    expect(told(client.frames())).toEqual(['unsubscribed revoked'])
  })

  it('waits until the node is ready, for commands that are granted only', async () => {
    const ready = deferred<void>()
    const asked: unknown[] = []
    const { manager, recovery } = recoveringDesk()
    const cluster: CommandRecovery = {
      subscribe: (connection, request) => recovery.subscribe(connection, request),
      ready: (stream) => (asked.push(stream), ready.promise),
    }
    const server = createCommandServer(manager, { recovery: cluster, authorize: ({ symbol }) => symbol !== 'B' })
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    const client = clientOf(connection, server.open(connection))

    client.ask(subscribe(1, A, { position: 'e1:3' }), subscribe(2, B))
    await settled()
    const before = told(client.frames())
    ready.resolve()
    await settled()

    expect(before).toEqual(['welcome'])
    expect(asked).toEqual([{ streamType: 'TRADES', symbol: 'A', userId: 'alice', position: 'e1:3' }])
    expect(told(client.frames())).toEqual(['subscribed 1', 'refused 2 ERR_FORBIDDEN'])
  })
})

describe('a client that comes back to many streams', () => {
  /** Publishes 30 messages on each of three streams, 1 kB each, and connects a client that has the first of each. */
  function backlog(limits: { readonly softLimitBytes: number; readonly hardLimitBytes: number }, socket: FakeSocket) {
    const all = recoveringDesk({}, { delivery: { ...limits, maxLagMs: Infinity } })
    const other = all.connect('other')
    other.ask(subscribe(1, A), subscribe(2, B), subscribe(3, C))
    for (let i = 0; i < 30; i++) for (const symbol of ['A', 'B', 'C']) all.trade(`${symbol}${i}`.padEnd(1_000), symbol)
    const client = all.connect('alice', socket)
    return { ...all, client, other, resume: () => client.ask(subscribe(1, A, { position: 'e1:1' }), subscribe(2, B, { position: 'e2:1' }), subscribe(3, C, { position: 'e3:1' })) }
  }

  it('is resumed one stream after the other, a turn each', () => {
    const { client, clock, resume } = backlog({ softLimitBytes: 1_000_000, hardLimitBytes: 1_000_000 }, new FakeSocket())

    resume()
    const first = client.frames()
    clock.advance(0)
    const rest = client.frames()

    expect(first).toHaveLength(30)
    expect(rest).toHaveLength(60)
    expect([...first, ...rest].filter(({ type }) => type === 'subscribed')).toMatchObject([1, 2, 3].map((id) => ({ id, recovered: true })))
  })

  it('is resumed one stream after the other, a turn each, also if it asks within a delivery', () => {
    const { client, clock, other, resume, trade } = backlog({ softLimitBytes: 80_000, hardLimitBytes: 80_000 }, new FakeSocket())
    other.socket.script.send = () => {
      other.socket.script.send = undefined
      resume()
    }

    trade('live')
    const first = client.frames()
    clock.advance(0)
    const rest = client.frames()

    expect(first.filter(({ type }) => type === 'subscribed')).toMatchObject([{ id: 1, recovered: true }])
    expect(rest.filter(({ type }) => type === 'subscribed')).toMatchObject([2, 3].map((id) => ({ id, recovered: true })))
    expect([first.length, rest.length]).toEqual([31, 60])
  })

  it('and reads slowly gets everything, and is not ended by its own replays', async () => {
    const { client, clock, manager, resume } = backlog({ softLimitBytes: 10_000, hardLimitBytes: 80_000 }, new FakeSocket({ bufferedAmount: 0 }))
    client.socket.script.send = (text) => void (client.socket.bufferedAmount = (client.socket.bufferedAmount as number) + text.length)
    const turn = async (): Promise<void> => {
      await new Promise((resolve) => void setImmediate(resolve))
      clock.advance(0)
    }

    resume()
    for (let i = 0; i < 30; i++) {
      await turn()
      client.socket.bufferedAmount = Math.max(0, (client.socket.bufferedAmount as number) - 5_000)
      client.connection.drained()
    }

    const frames = client.frames()
    expect(client.connection.removed).toBe(false)
    expect(frames.filter(({ type }) => type === 'subscribed')).toMatchObject([1, 2, 3].map((id) => ({ id, recovered: true })))
    expect(frames).toHaveLength(3 + 3 * 29)
    expect(manager.stats().mostWaitingBytes).toBeLessThan(80_000)
  })

  it('and is behind is resumed in the next stream as soon as it has caught up', () => {
    const { client, clock, resume } = backlog({ softLimitBytes: 10_000, hardLimitBytes: 80_000 }, new FakeSocket({ bufferedAmount: 100_000 }))
    const subscribed = (): string[] => told(client.frames()).filter((frame) => frame.startsWith('subscribed'))

    resume()
    clock.advance(5_000)
    client.socket.bufferedAmount = 0
    client.connection.drained()
    const first = subscribed()
    clock.advance(0)
    const next = subscribed()

    expect([first, next]).toEqual([['subscribed 1'], ['subscribed 2', 'subscribed 3']])
  })

  it('and reads nothing goes on after the timeout of a command, so that its commands do not wait forever', async () => {
    const { client, clock, resume } = backlog({ softLimitBytes: 10_000, hardLimitBytes: 80_000 }, new FakeSocket({ bufferedAmount: 100_000 }))

    resume()
    client.ask(unsubscribe(4, A))
    await settled()
    clock.advance(9_999)
    const before = client.connection.subscriptions().length
    clock.advance(1)
    clock.advance(10_000)

    expect(before).toBe(1)
    expect(client.connection.subscriptions().map(({ subscription }) => subscription.symbol)).toEqual(['B', 'C'])
  })

  it('leaves no timer behind if it goes in the middle', () => {
    const { client, clock, resume } = backlog({ softLimitBytes: 10_000, hardLimitBytes: 80_000 }, new FakeSocket({ bufferedAmount: 100_000 }))
    clock.advance(0)
    const before = clock.pendingTimers
    resume()

    void client.connection.remove({ close: false })
    clock.advance(0)

    expect(clock.pendingTimers).toBeLessThanOrEqual(before)
    expect(client.connection.subscriptions()).toEqual([])
  })

  it('does not wait between streams that bring nothing', () => {
    const { connect } = recoveringDesk()
    const client = connect()

    client.ask(subscribe(1, A), subscribe(2, B), subscribe(3, P))

    expect(told(client.frames())).toEqual(['subscribed 1', 'subscribed 2', 'subscribed 3'])
  })
})
