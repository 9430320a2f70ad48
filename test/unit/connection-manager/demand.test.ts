import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, type ActiveStream, type Connection, type ConnectionManagerOptions } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { HOSTILE_IDS } from '../../support/hostile.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, ORDERS, PRICE, price } from '../../support/messages.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const ETH = { streamType: 'PRICE', symbol: 'ETHUSDT' } as const

/** A stream as one text, injective in user and symbol, for logs and sets. */
function named({ streamType, symbol, userId }: ActiveStream): string {
  return JSON.stringify([streamType, symbol ?? null, userId ?? null])
}

const price$ = named({ ...PRICE })

/** A manager, a log of its demand events, and the streams that are active according to these events. */
function demanding(options: ConnectionManagerOptions<FakeSocket> = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock, ...options })
  const log: string[] = []
  // A list, so that a repeated event, or an idle without an active, stays visible.
  const reported: string[] = []
  manager.on('streamActive', (stream) => {
    reported.push(named(stream))
    log.push(`active ${named(stream)}`)
  })
  manager.on('streamIdle', (stream) => {
    const at = reported.indexOf(named(stream))
    if (at === -1) reported.push(`no ${named(stream)}`)
    else reported.splice(at, 1)
    log.push(`idle ${named(stream)}`)
  })
  const since = (act: () => unknown): string[] => {
    log.length = 0
    act()
    return [...log]
  }
  const active = (): string[] => manager.activeStreams().map(named)
  return { clock, manager, reported, since, active }
}

let connectionCount = 0

function connected(manager: ConnectionManager<FakeSocket>, userId: string, socket = new FakeSocket()): Connection<FakeSocket> {
  return manager.addConnection(`c${++connectionCount}`, socket, userId)
}

describe('ConnectionManager › demand', () => {
  it('begins with the first connected subscriber of a stream, and is reported once', () => {
    const { manager, since, active } = demanding()
    const [alice, bob] = [connected(manager, 'alice'), connected(manager, 'bob')]

    expect(since(() => alice.subscribe(PRICE))).toEqual([`active ${price$}`])
    expect(since(() => alice.subscribe(PRICE))).toEqual([])
    expect(since(() => bob.subscribe(PRICE))).toEqual([])
    expect(since(() => manager.addSubscription({ userId: 'alice', ...PRICE }))).toEqual([])

    expect(active()).toEqual([price$])
  })

  it('is reported with exactly the fields of a stream', () => {
    const { manager } = demanding()
    const streams: ActiveStream[] = []
    manager.on('streamActive', (stream) => streams.push(stream))
    const alice = connected(manager, 'alice')

    for (const stream of [PRICE, ORDERS, BTC_ORDERS]) alice.subscribe(stream)

    expect(streams).toStrictEqual([
      { streamType: 'PRICE', symbol: 'BTCUSDT' },
      { streamType: 'ORDER_UPDATES', symbol: undefined, userId: 'alice' },
      { streamType: 'ORDER_UPDATES', symbol: 'BTCUSDT', userId: 'alice' },
    ])
    expect(manager.activeStreams()).toStrictEqual(streams)
  })

  it('is not reported for pending subscribers until they connect', () => {
    const { manager, since, active } = demanding()

    expect(since(() => manager.addSubscription({ userId: 'alice', ...PRICE }))).toEqual([])
    expect(active()).toEqual([])

    expect(since(() => connected(manager, 'alice'))).toEqual([`active ${price$}`])
    expect(active()).toEqual([price$])
  })

  it('ends with the last connected subscriber, even if pending ones remain', () => {
    const { manager, clock, since, active } = demanding({ pendingTtlMs: Infinity })
    const alice = connected(manager, 'alice')
    alice.subscribe(PRICE)
    manager.addSubscription({ userId: 'bob', ...PRICE })

    alice.unsubscribe(PRICE)

    expect(since(() => clock.advance(1_000))).toEqual([`idle ${price$}`])
    expect(active()).toEqual([])
    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual(['bob'])
  })

  it('does not change when pending subscriptions expire or are removed', () => {
    const { manager, clock, since } = demanding({ pendingTtlMs: 100, idleDelayMs: 0 })

    expect(
      since(() => {
        manager.addSubscription({ userId: 'alice', ...PRICE })
        manager.addSubscription({ userId: 'bob', ...ORDERS })
        manager.addSubscription({ userId: 'carol', ...PRICE })
        manager.removeSubscription({ userId: 'alice', ...PRICE })
        void manager.removeUser('carol')
        clock.advance(100)
      }),
    ).toEqual([])
    expect(manager.subscriptionCount).toBe(0)
  })

  it('continues when pending subscriptions of a stream with another subscriber expire', () => {
    const { manager, clock, since, active } = demanding({ pendingTtlMs: 100 })
    connected(manager, 'alice').subscribe(PRICE)
    manager.addSubscription({ userId: 'bob', ...PRICE })

    expect(since(() => clock.advance(10_000))).toEqual([])

    expect(active()).toEqual([price$])
  })

  it('is separate for a symbol, another symbol, and the whole type', () => {
    const { manager, since } = demanding({ idleDelayMs: 0 })
    const alice = connected(manager, 'alice')
    const [orders, btc] = [named({ ...ORDERS, symbol: undefined, userId: 'alice' }), named({ ...BTC_ORDERS, userId: 'alice' })]

    expect(since(() => alice.subscribe(PRICE))).toEqual([`active ${price$}`])
    expect(since(() => alice.subscribe(ETH))).toEqual([`active ${named(ETH)}`])
    expect(since(() => alice.subscribe(ORDERS))).toEqual([`active ${orders}`])
    expect(since(() => alice.subscribe(BTC_ORDERS))).toEqual([`active ${btc}`])
    expect(since(() => alice.unsubscribe(ORDERS))).toEqual([`idle ${orders}`])
    expect(since(() => alice.unsubscribe(PRICE))).toEqual([`idle ${price$}`])
    expect(manager.activeStreams().map(named).toSorted()).toEqual([btc, named(ETH)].toSorted())
  })

  it('is separate for the whole of a public type and its symbols', () => {
    const streams = defineStreams({ TICKER: { audience: 'public', symbol: 'optional' } })
    const manager = new ConnectionManager<FakeSocket, typeof streams>({ streams, clock: new ManualClock() })
    const reported: ActiveStream[] = []
    manager.on('streamActive', (stream) => reported.push(stream))
    const alice = manager.addConnection('c1', new FakeSocket(), 'alice')

    alice.subscribe({ streamType: 'TICKER', symbol: 'BTCUSDT' })
    alice.subscribe({ streamType: 'TICKER' })

    expect(reported).toStrictEqual([
      { streamType: 'TICKER', symbol: 'BTCUSDT' },
      { streamType: 'TICKER', symbol: undefined },
    ])
  })

  it('is separate for each user on a private stream', () => {
    const { manager, since, active } = demanding({ idleDelayMs: 0 })
    const [alice, bob] = [connected(manager, 'alice'), connected(manager, 'bob')]
    const [ofAlice, ofBob] = ['alice', 'bob'].map((userId) => named({ ...ORDERS, symbol: undefined, userId })) as [string, string]

    expect(since(() => alice.subscribe(ORDERS))).toEqual([`active ${ofAlice}`])
    expect(since(() => bob.subscribe(ORDERS))).toEqual([`active ${ofBob}`])
    expect(since(() => connected(manager, 'alice').subscribe(ORDERS))).toEqual([])
    expect(since(() => bob.unsubscribe(ORDERS))).toEqual([`idle ${ofBob}`])

    expect(active()).toEqual([ofAlice])
  })

  it('ends idleDelayMs after the last subscriber left, 1 s by default', () => {
    const { manager, clock, since, active } = demanding()
    const alice = connected(manager, 'alice')
    alice.subscribe(PRICE)

    expect(since(() => alice.unsubscribe(PRICE))).toEqual([])
    expect(since(() => clock.advance(999))).toEqual([])
    expect(active()).toEqual([price$])
    expect(since(() => clock.advance(1))).toEqual([`idle ${price$}`])

    expect(active()).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  it('continues without an event if a subscriber returns in time, and then has the full delay again', () => {
    const { manager, clock, since } = demanding({ idleDelayMs: 100 })
    const alice = connected(manager, 'alice')
    alice.subscribe(PRICE)
    alice.unsubscribe(PRICE)
    clock.advance(99)

    expect(since(() => connected(manager, 'bob').subscribe(PRICE))).toEqual([])
    expect(since(() => clock.advance(10_000))).toEqual([])
    expect(clock.pendingTimers).toBe(0)
    void manager.removeUser('bob')

    expect(since(() => clock.advance(99))).toEqual([])
    expect(since(() => clock.advance(1))).toEqual([`idle ${price$}`])
  })

  it('begins again if a subscriber returns too late', () => {
    const { manager, clock, since } = demanding({ idleDelayMs: 100 })
    const alice = connected(manager, 'alice')
    alice.subscribe(PRICE)
    alice.unsubscribe(PRICE)
    clock.advance(100)

    expect(since(() => alice.subscribe(PRICE))).toEqual([`active ${price$}`])
  })

  it('ends for each stream at its own time', () => {
    const { manager, clock, since } = demanding({ idleDelayMs: 100 })
    const alice = connected(manager, 'alice')
    for (const stream of [PRICE, ETH]) alice.subscribe(stream)
    alice.unsubscribe(ETH)
    clock.advance(30)
    alice.unsubscribe(PRICE)

    expect(since(() => clock.advance(70))).toEqual([`idle ${named(ETH)}`])
    expect(since(() => clock.advance(29))).toEqual([])
    expect(since(() => clock.advance(1))).toEqual([`idle ${price$}`])
  })

  it('ends in the same call with an idleDelayMs of 0, without a timer', () => {
    const { manager, clock, since, active } = demanding({ idleDelayMs: 0 })
    const alice = connected(manager, 'alice')
    alice.subscribe(PRICE)

    expect(since(() => alice.unsubscribe(PRICE))).toEqual([`idle ${price$}`])

    expect(active()).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  it('ends only at cleanup with an infinite idleDelayMs', () => {
    const { manager, clock, since, active } = demanding({ idleDelayMs: Infinity })
    const alice = connected(manager, 'alice')
    alice.subscribe(PRICE)

    expect(since(() => { alice.unsubscribe(PRICE); clock.advance(1e9) })).toEqual([])
    expect(active()).toEqual([price$])
    expect(clock.pendingTimers).toBe(0)

    expect(since(() => void manager.cleanup())).toEqual([`idle ${price$}`])
    expect(active()).toEqual([])
  })

  it.each<[how: string, leave: (parts: { manager: ConnectionManager<FakeSocket>; connection: Connection<FakeSocket> }) => unknown]>([
    ['unsubscribes', ({ connection }) => connection.unsubscribe(PRICE)],
    ['loses its subscription', ({ manager }) => manager.removeSubscription({ userId: 'alice', ...PRICE })],
    ['is removed', ({ connection }) => connection.remove()],
    ['has gone', ({ connection }) => connection.remove({ close: false })],
    ['is removed with its user', ({ manager }) => manager.removeUser('alice')],
    ['fails to send', ({ manager }) => manager.broadcast(price('unsendable'))],
    ['is cleaned up', ({ manager }) => manager.cleanup()],
  ])('ends if the last subscriber %s', (_how, leave) => {
    const { manager, clock, since, active } = demanding({ idleDelayMs: 10 })
    const socket = new FakeSocket({ send: () => { throw new Error('broken') } })
    const connection = connected(manager, 'alice', socket)
    connection.subscribe(PRICE)

    expect(since(() => { void leave({ manager, connection }); clock.advance(10) })).toEqual([`idle ${price$}`])

    expect(active()).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  it('ends if the last subscriber is a slow consumer', () => {
    const { manager, since, active } = demanding({
      idleDelayMs: 0,
      transport: { bufferedBytes: () => 1 },
      delivery: { softLimitBytes: 0, hardLimitBytes: 0 },
    })
    connected(manager, 'alice').subscribe(PRICE)

    expect(since(() => manager.publish(price()))).toEqual([`idle ${price$}`])

    expect(manager.connectionCount).toBe(0)
    expect(active()).toEqual([])
  })

  it('ends if a socket rejects a message', async () => {
    const { manager, reported, active } = demanding({ idleDelayMs: 0 })
    connected(manager, 'alice', new FakeSocket({ send: () => Promise.reject(new Error('broken')) })).subscribe(PRICE)

    manager.publish(price())
    expect(reported).toEqual([price$])
    await new Promise((resolve) => setImmediate(resolve))

    expect(reported).toEqual([])
    expect(active()).toEqual([])
  })

  it('is kept for up to 10,000 streams without a subscriber by default; beyond that, the oldest ends at once', () => {
    const { manager, since, active } = demanding({ idleDelayMs: Infinity })
    const alice = connected(manager, 'alice')
    const visit = (i: number): void => {
      alice.subscribe({ streamType: 'PRICE', symbol: `S${i}` })
      alice.unsubscribe({ streamType: 'PRICE', symbol: `S${i}` })
    }
    for (let i = 0; i < 10_000; i++) visit(i)
    const countBefore = active().length

    const log = since(() => visit(10_000))

    expect(countBefore).toBe(10_000)
    expect(log).toEqual([`active ${named({ ...PRICE, symbol: 'S10000' })}`, `idle ${named({ ...PRICE, symbol: 'S0' })}`])
    expect(active()).toHaveLength(10_000)
  })

  it('is reported in order, and ends as often as it begins, if a connection leaves more streams than are kept', async () => {
    const { manager, clock, reported, since } = demanding({ quotas: { idleStreams: 1 } })
    const alice = connected(manager, 'alice')
    for (const stream of [PRICE, ETH, ORDERS]) alice.subscribe(stream)
    const orders = named({ ...ORDERS, symbol: undefined, userId: 'alice' })

    expect(since(() => void alice.remove())).toEqual([`idle ${price$}`, `idle ${named(ETH)}`])
    expect(reported).toEqual([orders])
    expect(since(() => clock.advance(1_000))).toEqual([`idle ${orders}`])
  })

  it('ends once for each stream at cleanup, if that leaves more streams than are kept', () => {
    const { manager, reported, since, active } = demanding({ quotas: { idleStreams: 1 } })
    for (const user of ['alice', 'bob']) for (const stream of [PRICE, ETH, ORDERS]) connected(manager, user).subscribe(stream)

    const log = since(() => void manager.cleanup())

    expect(log).toHaveLength(4)
    expect([reported, active()]).toEqual([[], []])
  })

  it('continues after a removal if the user has another connection', () => {
    const { manager, since } = demanding({ idleDelayMs: 0 })
    const first = connected(manager, 'alice')
    connected(manager, 'alice')
    manager.addSubscription({ userId: 'alice', ...PRICE })
    manager.addSubscription({ userId: 'alice', ...ORDERS })

    expect(since(() => void first.remove())).toEqual([])
  })

  it('is reported after the subscription event that starts or ends it', () => {
    const { manager } = demanding({ idleDelayMs: 0 })
    const log: string[] = []
    for (const name of ['streamActive', 'streamIdle', 'subscriptionAdded', 'subscriptionChanged', 'subscriptionRemoved'] as const) {
      manager.on(name, () => void log.push(name))
    }
    const alice = connected(manager, 'alice')

    alice.subscribe(PRICE)
    alice.unsubscribe(PRICE)
    manager.addSubscription({ userId: 'bob', ...PRICE })
    connected(manager, 'bob')
    void manager.removeUser('bob')

    expect(log).toEqual([
      ...['subscriptionAdded', 'streamActive'],
      ...['subscriptionRemoved', 'streamIdle'],
      ...['subscriptionAdded', 'subscriptionChanged', 'streamActive'],
      ...['subscriptionRemoved', 'streamIdle'],
    ])
  })

  it('is reported after the state change', () => {
    const { manager } = demanding({ idleDelayMs: 0 })
    const seen: unknown[] = []
    manager.on('streamActive', () => void seen.push(manager.getSubscribers('PRICE', 'BTCUSDT'), manager.activeStreams().map(named)))
    manager.on('streamIdle', () => void seen.push(manager.getSubscribers('PRICE', 'BTCUSDT'), manager.activeStreams().map(named)))

    connected(manager, 'alice').subscribe(PRICE)
    void manager.removeUser('alice')

    expect(seen).toEqual([['alice'], [price$], [], []])
  })

  it('is consistent if listeners subscribe and unsubscribe', () => {
    const { manager, since, active } = demanding({ idleDelayMs: 0 })
    const alice = connected(manager, 'alice')
    let isToComeBack = true
    manager.on('streamIdle', () => {
      if (isToComeBack) alice.subscribe(PRICE)
      isToComeBack = false
    })
    alice.subscribe(PRICE)

    expect(since(() => alice.unsubscribe(PRICE))).toEqual([`idle ${price$}`, `active ${price$}`])
    expect(active()).toEqual([price$])
  })

  it('is consistent if a listener called by the timer cleans up', () => {
    const { manager, clock, since } = demanding({ idleDelayMs: 10 })
    manager.on('streamIdle', () => void manager.cleanup())
    const alice = connected(manager, 'alice')
    for (const stream of [PRICE, ETH]) alice.subscribe(stream)
    alice.unsubscribe(PRICE)
    clock.advance(5)
    alice.unsubscribe(ETH)

    expect(since(() => clock.advance(5))).toEqual([`idle ${price$}`, `idle ${named(ETH)}`])
    expect(clock.pendingTimers).toBe(0)
  })

  it('ends at cleanup, once for each active or idling stream, before the call returns', () => {
    const { manager, clock, since, reported, active } = demanding({ idleDelayMs: 100 })
    const [alice, bob] = [connected(manager, 'alice'), connected(manager, 'bob')]
    for (const stream of [PRICE, ETH, ORDERS]) alice.subscribe(stream)
    bob.subscribe(PRICE)
    bob.subscribe(ORDERS)
    manager.addSubscription({ userId: 'nobody yet', streamType: 'TRADES', symbol: 'BTCUSDT' })
    alice.unsubscribe(ETH)

    const ended = since(() => void manager.cleanup())

    const orders = (userId: string): string => `idle ${named({ ...ORDERS, symbol: undefined, userId })}`
    expect(ended.toSorted()).toEqual([`idle ${price$}`, `idle ${named(ETH)}`, orders('alice'), orders('bob')].toSorted())
    expect(reported).toEqual([])
    expect(active()).toEqual([])
    expect(clock.pendingTimers).toBe(0)
    expect(since(() => clock.advance(1e6))).toEqual([])
  })

  it('is listed in an array that belongs to the caller', () => {
    const { manager, active } = demanding()
    connected(manager, 'alice').subscribe(PRICE)

    manager.activeStreams().length = 0

    expect(active()).toEqual([price$])
  })

  it.each([PRICE, ORDERS])('cannot be changed through the streams in events and lists: $streamType', (stream) => {
    const { manager, clock, since, active } = demanding({ idleDelayMs: 10 })
    const connection = connected(manager, 'alice')
    connection.subscribe(stream)
    const [activeBefore] = active()
    const change = (): unknown[] => manager.activeStreams().map((each) => Reflect.set(each, 'symbol', 'ETHUSDT'))

    expect(change()).toEqual([false])
    connection.unsubscribe(stream)
    expect(change()).toEqual([false])

    expect(active()).toEqual([activeBefore])
    expect(since(() => clock.advance(10))).toEqual([`idle ${activeBefore}`])
    expect(active()).toEqual([])
  })

  it('is separate for a public stream and a private one whose keys look the same', () => {
    const { manager, clock, since, active } = demanding({ idleDelayMs: 10 })
    const [mallory, alice] = [connected(manager, 'PRICE'), connected(manager, 'alice')]
    const ofPrice = named({ streamType: 'USER_DATA', symbol: undefined, userId: 'PRICE' })
    const ofEverybody = named({ streamType: 'PRICE', symbol: 'USER_DATA' })

    expect(since(() => mallory.subscribe({ streamType: 'USER_DATA' }))).toEqual([`active ${ofPrice}`])
    expect(since(() => alice.subscribe({ streamType: 'PRICE', symbol: 'USER_DATA' }))).toEqual([`active ${ofEverybody}`])
    mallory.unsubscribe({ streamType: 'USER_DATA' })
    alice.unsubscribe({ streamType: 'PRICE', symbol: 'USER_DATA' })
    expect(active().toSorted()).toEqual([ofEverybody, ofPrice].toSorted())
    expect(since(() => mallory.subscribe({ streamType: 'USER_DATA' }))).toEqual([])

    expect(since(() => clock.advance(10))).toEqual([`idle ${ofEverybody}`])
    expect(active()).toEqual([ofPrice])
  })

  it('is separate for users and symbols whose concatenations look the same', () => {
    const { manager, clock, since, active } = demanding({ idleDelayMs: 10 })
    const streams = [
      { streamType: 'USER_DATA', symbol: 'USER_DATA:y', userId: 'x' },
      { streamType: 'USER_DATA', symbol: 'y', userId: 'x:USER_DATA' },
      { streamType: 'USER_DATA', symbol: 'y', userId: 'x%3AUSER_DATA' },
      { streamType: 'USER_DATA', symbol: 'undefined', userId: 'x' },
      { streamType: 'USER_DATA', symbol: undefined, userId: 'x' },
    ] as const
    for (const stream of streams) connected(manager, stream.userId).subscribe(stream)

    for (const { userId } of streams) void manager.removeUser(userId)

    expect(active().toSorted()).toEqual(streams.map(named).toSorted())
    expect(since(() => clock.advance(10)).toSorted()).toEqual(streams.map((stream) => `idle ${named(stream)}`).toSorted())
  })

  it('is separate for streams with hostile symbols and users, both active and idling', () => {
    const { manager, clock, since, active } = demanding({ idleDelayMs: 10 })
    const connections = HOSTILE_IDS.map((userId) => connected(manager, userId))
    const streams = HOSTILE_IDS.flatMap((id) => [
      named({ streamType: 'PRICE', symbol: id }),
      named({ streamType: 'USER_DATA', symbol: undefined, userId: id }),
      named({ streamType: 'USER_DATA', symbol: 'X:Y', userId: id }),
      named({ streamType: 'ORDER_UPDATES', symbol: id, userId: ':' }),
    ])
    const colon = connections[HOSTILE_IDS.indexOf(':')]

    const begun = since(() => {
      for (const [i, symbol] of HOSTILE_IDS.entries()) {
        connections[i]?.subscribe({ streamType: 'PRICE', symbol })
        connections[i]?.subscribe({ streamType: 'USER_DATA' })
        connections[i]?.subscribe({ streamType: 'USER_DATA', symbol: 'X:Y' })
        colon?.subscribe({ streamType: 'ORDER_UPDATES', symbol })
      }
    })
    expect(begun).toEqual(streams.map((stream) => `active ${stream}`))
    for (const connection of connections) void connection.remove()
    expect(active().toSorted()).toEqual(streams.toSorted())

    expect(since(() => clock.advance(10)).toSorted()).toEqual(streams.map((stream) => `idle ${stream}`).toSorted())
  })
})

/** A naive model of the demand, which visits all subscriptions after every step. */
class NaiveDemand {
  readonly active = new Map<string, { emptySinceMs: number | undefined }>()
  readonly #idleDelayMs: number

  constructor(idleDelayMs: number) {
    this.#idleDelayMs = idleDelayMs
  }

  look(listenedTo: ReadonlySet<string>, nowMs: number): void {
    for (const stream of listenedTo) this.active.set(stream, { emptySinceMs: undefined })
    for (const [stream, { emptySinceMs = nowMs }] of this.active) {
      if (listenedTo.has(stream)) continue
      this.active.set(stream, { emptySinceMs })
      if (nowMs - emptySinceMs >= this.#idleDelayMs) this.active.delete(stream)
    }
  }
}

/** The connected users and the holders, as sets of texts. */
class NaiveRegistry {
  readonly connections = new Map<string, string>()
  readonly #held = new Map<string, { readonly stream: ActiveStream & { userId: string }; readonly holders: Set<string>; readonly sinceMs: number }>()

  connect(id: string, userId: string): void {
    this.connections.set(id, userId)
  }

  disconnect(id: string): void {
    const userId = this.connections.get(id)
    this.connections.delete(id)
    for (const [key, { stream, holders }] of this.#held) {
      if (stream.userId !== userId) continue
      holders.delete(id)
      if (holders.size === 0 || !this.#isConnected(userId)) this.#held.delete(key)
    }
  }

  hold(stream: ActiveStream & { userId: string }, holder: string, nowMs: number): void {
    const held = this.#held.get(named(stream)) ?? { stream, holders: new Set<string>(), sinceMs: nowMs }
    this.#held.set(named(stream), held)
    held.holders.add(holder)
  }

  release(stream: ActiveStream, holder: string | undefined): void {
    const holders = this.#held.get(named(stream))?.holders
    if (holder === undefined) holders?.clear()
    else holders?.delete(holder)
    if (holders?.size === 0) this.#held.delete(named(stream))
  }

  forget(userId: string): void {
    for (const [key, { stream }] of this.#held) if (stream.userId === userId) this.#held.delete(key)
  }

  expire(nowMs: number, ttlMs: number): void {
    for (const [key, { stream, sinceMs }] of this.#held) {
      if (!this.#isConnected(stream.userId) && nowMs - sinceMs >= ttlMs) this.#held.delete(key)
    }
  }

  /** The streams with a connected subscriber. */
  listenedTo(): Set<string> {
    const streams = Array.from(this.#held.values(), ({ stream }) => stream).filter(({ userId }) => this.#isConnected(userId))
    return new Set(streams.map(({ userId, ...stream }) => named(stream.streamType === 'PRICE' ? stream : { ...stream, userId })))
  }

  #isConnected(userId: string | undefined): boolean {
    return [...this.connections.values()].includes(userId ?? '')
  }
}

describe.each([0, 7, 40, Infinity])('ConnectionManager › demand, with an idleDelayMs of %d', (idleDelayMs) => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('equals that of a naive model, after every step of the random run %d', (seed) => {
    const random = seededRandom(seed)
    const pick = <TItem>(items: readonly TItem[]): TItem => items[Math.floor(random() * items.length)] as TItem
    const { clock, manager, reported, active } = demanding({ idleDelayMs, pendingTtlMs: 25 })
    const registry = new NaiveRegistry()
    const naive = new NaiveDemand(idleDelayMs)
    const users = ['alice', 'PRICE', 'a:b']
    const streams = [PRICE, { streamType: 'PRICE', symbol: 'USER_DATA' }, ORDERS, BTC_ORDERS, { streamType: 'USER_DATA' }] as const
    const someConnection = (): Connection<FakeSocket> | undefined => manager.getConnection(pick([...registry.connections.keys(), 'nobody']))
    const streamOf = (stream: (typeof streams)[number], userId: string) => ({ symbol: undefined, ...stream, userId })
    let nextId = 0
    let isToBreak = false

    const steps: readonly (() => void)[] = [
      () => {
        const [id, userId] = [`r${nextId++}`, pick(users)]
        manager.addConnection(id, new FakeSocket({ send: () => { if (isToBreak) throw new Error('broken') } }), userId)
        registry.connect(id, userId)
      },
      () => {
        const [userId, stream] = [pick(users), pick(streams)]
        manager.addSubscription({ userId, ...stream })
        registry.hold(streamOf(stream, userId), 'user', clock.monotonic())
      },
      () => {
        const [connection, stream] = [someConnection(), pick(streams)]
        connection?.subscribe(stream)
        if (connection !== undefined) registry.hold(streamOf(stream, connection.userId), connection.id, clock.monotonic())
      },
      () => {
        const [connection, stream] = [someConnection(), pick(streams)]
        connection?.unsubscribe(stream)
        if (connection !== undefined) registry.release(streamOf(stream, connection.userId), connection.id)
      },
      () => {
        const [userId, stream] = [pick(users), pick(streams)]
        manager.removeSubscription({ userId, ...stream })
        registry.release(streamOf(stream, userId), undefined)
      },
      () => {
        const connection = someConnection()
        void connection?.remove({ close: random() < 0.5 })
        if (connection !== undefined) registry.disconnect(connection.id)
      },
      () => {
        const connection = someConnection()
        isToBreak = true
        if (connection !== undefined) manager.sendToConnection(connection.id, price())
        isToBreak = false
        if (connection !== undefined) registry.disconnect(connection.id)
      },
      () => {
        const userId = pick(users)
        void manager.removeUser(userId)
        for (const [id, owner] of [...registry.connections]) if (owner === userId) registry.disconnect(id)
        registry.forget(userId)
      },
      () => {
        for (let ms = Math.floor(random() * 20); ms > 0; ms--) {
          clock.advance(1)
          registry.expire(clock.monotonic(), 25)
          naive.look(registry.listenedTo(), clock.monotonic())
          expect(reported.toSorted()).toEqual([...naive.active.keys()].toSorted())
        }
      },
    ]

    for (let step = 0; step < 600; step++) {
      pick(steps)()
      naive.look(registry.listenedTo(), clock.monotonic())

      expect(reported.toSorted()).toEqual([...naive.active.keys()].toSorted())
      expect(active().toSorted()).toEqual(reported.toSorted())
    }

    void manager.cleanup()
    expect([...reported, ...active()]).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})
