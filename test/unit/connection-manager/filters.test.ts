import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { ConnectionManager, type ConnectionManagerOptions, type OwnSubscription, type SubscriptionFilters } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { BTC_ORDERS, ORDERS, PRICE } from '../../support/messages.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

const ALICES_PRICE = { userId: 'alice', ...PRICE }

/** A user with two connections. */
function twoTabs(options: ConnectionManagerOptions<FakeSocket> = {}) {
  const manager = new ConnectionManager<FakeSocket>(options)
  const first = manager.addConnection('c1', new FakeSocket(), 'alice')
  const second = manager.addConnection('c2', new FakeSocket(), 'alice')
  return { manager, first, second }
}

function filtersIn(own: readonly OwnSubscription[]): unknown[] {
  return own.map(({ filters }) => filters)
}

describe('filters', () => {
  it.each([
    ['a literal', { depth: 5 }],
    ['a result of JSON.parse', JSON.parse('{"depth":5}') as object],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { depth: 5 })],
    ['an object of another realm', runInNewContext('({ depth: 5 })') as object],
    ['a frozen object', Object.freeze({ depth: 5 })],
    ['an object with a getter', { get depth() { return 5 } }],
    ['the filters of a subscription', new ConnectionManager().addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } }).filters],
  ])('are accepted as %s, and kept as a frozen copy', (_what, filters) => {
    const { manager, first } = twoTabs()
    const given = filters as SubscriptionFilters

    const subscription = manager.addSubscription({ ...ALICES_PRICE, filters: given })
    first.subscribe({ ...PRICE, filters: given })

    for (const kept of [subscription.filters, ...filtersIn(first.subscriptions())]) {
      expect(kept).toEqual({ depth: 5 })
      expect(kept).not.toBe(given)
      expect(Object.isFrozen(kept)).toBe(true)
    }
  })

  it.each([
    ['a text', 'depth'],
    ['a number', 5],
    ['an array', [5]],
    ['a function', () => {}],
    ['a Map', new Map([['depth', 5]])],
    ['an empty Map', new Map()],
    ['a Set', new Set([5])],
    ['a Date', new Date()],
    ['an object of a class', new (class { readonly depth = 5 })()],
    ['a Map of another realm', runInNewContext('new Map()')],
    ['an object with inherited fields', Object.create({ depth: 5 })],
    ['an Error', new Error('depth')],
    ['bytes', new Uint8Array(4)],
    ['a promise', Promise.resolve({ depth: 5 })],
  ])('are refused if they are %s, and nothing changes', (_what, filters) => {
    const { manager, first } = twoTabs({ quotas: { filterUnits: Infinity } })
    const before = stateOf(manager)

    for (const ask of [() => manager.addSubscription({ ...ALICES_PRICE, filters: filters as never }), () => first.subscribe({ ...PRICE, filters: filters as never })]) {
      expect(expectCode('ERR_INVALID_ARGUMENT', ask)).toMatchObject({ field: 'filters' })
    }

    expect(stateOf(manager)).toEqual(before)
  })

  it('belong to the holder that requested them, each connection or the user', () => {
    const { manager, first, second } = twoTabs()

    const subscription = first.subscribe({ ...PRICE, filters: { from: 'first' } })
    expect(subscription.filters).toBeUndefined()
    second.subscribe({ ...PRICE, filters: { from: 'second' } })
    manager.addSubscription({ ...ALICES_PRICE, filters: { from: 'user' } })

    expect(subscription.filters).toEqual({ from: 'user' })
    expect(first.subscriptions()).toEqual([{ subscription, filters: { from: 'first' } }])
    expect(second.subscriptions()).toEqual([{ subscription, filters: { from: 'second' } }])
  })

  it("are those of the holder's last request, even if it has none", () => {
    const { manager, first, second } = twoTabs()
    const subscription = manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } })
    for (const tab of [first, second]) tab.subscribe({ ...PRICE, filters: { depth: 5 } })

    first.subscribe({ ...PRICE, filters: { depth: 9 } })
    second.subscribe(PRICE)
    expect(subscription.filters).toEqual({ depth: 5 })
    manager.addSubscription(ALICES_PRICE)

    expect(subscription.filters).toBeUndefined()
    expect(filtersIn([...first.subscriptions(), ...second.subscriptions()])).toEqual([{ depth: 9 }, undefined])
  })

  it('are passed to authorize for each holder', () => {
    const asked: unknown[] = []
    const { manager, first, second } = twoTabs({ authorize: ({ filters }) => (asked.push(filters), true) })

    first.subscribe({ ...PRICE, filters: { from: 'first' } })
    second.subscribe(PRICE)
    manager.addSubscription({ ...ALICES_PRICE, filters: { from: 'user' } })

    expect(asked).toEqual([{ from: 'first' }, undefined, { from: 'user' }])
  })

  it('do not change if a request with other filters is refused', () => {
    let isAllowed = true
    const { manager, first } = twoTabs({ authorize: () => isAllowed })
    const subscription = manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } })
    first.subscribe({ ...PRICE, filters: { depth: 5 } })
    isAllowed = false

    expectCode('ERR_FORBIDDEN', () => manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 9 } }))
    expectCode('ERR_FORBIDDEN', () => first.subscribe(PRICE))

    expect([subscription.filters, ...filtersIn(first.subscriptions())]).toEqual([{ depth: 5 }, { depth: 5 }])
  })

  it("are reported as changed only if the holder's own filters have changed", () => {
    const { manager, first, second } = twoTabs()
    const reported: unknown[] = []
    manager.addSubscription(ALICES_PRICE)
    first.subscribe({ ...PRICE, filters: { depth: 5 } })
    second.subscribe(PRICE)
    manager.on('subscriptionChanged', ({ connection }) => reported.push(connection?.id))

    second.subscribe(PRICE)
    manager.addSubscription(ALICES_PRICE)
    expect(reported).toEqual([])
    second.subscribe({ ...PRICE, filters: { depth: 5 } })
    first.subscribe(PRICE)
    manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } })

    expect(reported).toEqual(['c2', 'c1', undefined])
  })

  it.each<[string, (tabs: ReturnType<typeof twoTabs>) => unknown]>([
    ['it unsubscribes', ({ first }) => first.unsubscribe(PRICE)],
    ['the subscription ends for all', ({ manager }) => manager.removeSubscription(ALICES_PRICE)],
    ['the subscription is revoked', ({ manager }) => manager.revoke({ streamType: 'PRICE' })],
  ])('are removed with the hold once %s: the next one has none', (_how, end) => {
    const tabs = twoTabs()
    tabs.manager.addSubscription({ ...ALICES_PRICE, filters: { from: 'user' } })
    tabs.first.subscribe({ ...PRICE, filters: { from: 'first' } })
    tabs.second.subscribe({ ...PRICE, filters: { from: 'second' } })

    end(tabs)
    expect(tabs.first.subscriptions()).toEqual([])
    tabs.first.subscribe(PRICE)

    expect(filtersIn(tabs.first.subscriptions())).toEqual([undefined])
  })

  it.each(['removed', 'last'])('are removed with a connection that is %s', async (which) => {
    const { manager, first, second } = twoTabs()
    first.subscribe({ ...PRICE, filters: { from: 'first' } })
    second.subscribe({ ...PRICE, filters: { from: 'second' } })
    if (which === 'last') await second.remove()

    await first.remove()

    expect(first.subscriptions()).toEqual([])
    expect(filtersIn(second.subscriptions())).toEqual(which === 'last' ? [] : [{ from: 'second' }])
    expect(manager.addConnection('c1', new FakeSocket(), 'alice').subscriptions()).toEqual([])
  })
})

describe('Connection › subscriptions', () => {
  it('lists what it holds itself, oldest first, and not what its user holds', () => {
    const { manager, first, second } = twoTabs()
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    const orders = first.subscribe(BTC_ORDERS)
    const price = first.subscribe({ ...PRICE, filters: { depth: 5 } })
    second.subscribe({ ...PRICE, symbol: 'ETHUSDT' })

    expect(first.subscriptions()).toEqual([
      { subscription: orders, filters: undefined },
      { subscription: price, filters: { depth: 5 } },
    ])
    expect(first.subscriptions()[1]?.subscription).toBe(price)
  })

  it('keeps many subscriptions in order after removals and additions', () => {
    const { first } = twoTabs()
    const symbols = Array.from({ length: 40 }, (_, i) => `S${i}`)
    const symbolsOf = (): (string | undefined)[] => first.subscriptions().map(({ subscription }) => subscription.symbol)
    for (const symbol of symbols) first.subscribe({ streamType: 'PRICE', symbol, filters: { symbol } })
    expect(symbolsOf()).toEqual(symbols)

    for (const symbol of symbols.slice(0, 35)) first.unsubscribe({ streamType: 'PRICE', symbol })
    first.subscribe({ streamType: 'PRICE', symbol: 'S0' })

    expect(symbolsOf()).toEqual([...symbols.slice(35), 'S0'])
    expect(filtersIn(first.subscriptions())).toEqual([...symbols.slice(35).map((symbol) => ({ symbol })), undefined])
  })

  it('returns an array of frozen objects that belongs to the caller', () => {
    const { first } = twoTabs()
    first.subscribe({ ...PRICE, filters: { depth: 5 } })
    const own = first.subscriptions()

    expect(Object.isFrozen(own[0])).toBe(true)
    own.length = 0

    expect(first.subscriptions()).toHaveLength(1)
  })
})

describe('ConnectionManager › quotas › filterUnits', () => {
  it.each([
    ['{"a":"…"}', (length: number) => ({ a: 'x'.repeat(length - 8) })],
    ['{"a":["…"]}', (length: number) => ({ a: ['x'.repeat(length - 10)] })],
    ['characters that JSON escapes', (length: number) => ({ a: `${'\n'.repeat((length - 8) / 2)}` })],
    ['nested toJSON', (length: number) => ({ a: { toJSON: () => 'x'.repeat(length - 8) } })],
  ])('accepts filters of up to filterUnits of JSON, and refuses more, with the facts: %s', (_what, ofLength) => {
    const { manager, first } = twoTabs({ quotas: { filterUnits: 100 } })
    expect(JSON.stringify(ofLength(100))).toHaveLength(100)
    manager.addSubscription({ ...ALICES_PRICE, filters: ofLength(100) })
    first.subscribe({ ...PRICE, filters: ofLength(100) })
    const before = stateOf(manager)

    const fact = { quota: 'filterUnits', limit: 100, userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' }
    expect(expectCode('ERR_QUOTA_EXCEEDED', () => manager.addSubscription({ ...ALICES_PRICE, filters: ofLength(102) }))).toMatchObject(fact)
    expect(expectCode('ERR_QUOTA_EXCEEDED', () => first.subscribe({ ...PRICE, filters: ofLength(102) }))).toMatchObject({ ...fact, connectionId: 'c1' })

    expect(stateOf(manager)).toEqual(before)
    expect(filtersIn(first.subscriptions())).toHaveLength(1)
  })

  it('defaults to 4,096', () => {
    const { first } = twoTabs()

    first.subscribe({ ...PRICE, filters: { a: 'x'.repeat(4_096 - 8) } })

    expect(expectCode('ERR_QUOTA_EXCEEDED', () => first.subscribe({ ...PRICE, filters: { a: 'x'.repeat(4_097 - 8) } }))).toMatchObject({ limit: 4_096 })
  })

  it('allows no filters if it is 0, not even empty ones', () => {
    const { first } = twoTabs({ quotas: { filterUnits: 0 } })

    first.subscribe(PRICE)
    first.subscribe({ ...PRICE, filters: null })

    expectCode('ERR_QUOTA_EXCEEDED', () => first.subscribe({ ...PRICE, filters: {} }))
  })

  it.each([
    ['a cycle', () => { const cycle: Record<string, unknown> = {}; return Object.assign(cycle, { cycle: { cycle } }) }],
    ['a BigInt', () => ({ amount: 1n })],
    ['a toJSON that throws', () => ({ deep: { toJSON() { throw new Error('hostile') } } })],
    ['a toJSON that returns undefined', () => ({ toJSON: () => undefined })],
  ])('refuses filters without a JSON form because of %s, unless it is Infinity', (_what, make) => {
    const { manager, first } = twoTabs()
    const unmeasured = twoTabs({ quotas: { filterUnits: Infinity } })

    expect(expectCode('ERR_INVALID_ARGUMENT', () => first.subscribe({ ...PRICE, filters: make() }))).toMatchObject({ field: 'filters' })
    expect(expectCode('ERR_INVALID_ARGUMENT', () => manager.addSubscription({ ...ALICES_PRICE, filters: make() }))).toMatchObject({ field: 'filters' })

    expect(manager.subscriptionCount).toBe(0)
    expect(() => unmeasured.first.subscribe({ ...PRICE, filters: make() })).not.toThrow()
  })

  it('measures nothing if it is Infinity', () => {
    const { first } = twoTabs({ quotas: { filterUnits: Infinity } })
    let timesMeasured = 0

    first.subscribe({ ...PRICE, filters: { huge: 'x'.repeat(100_000), seen: { toJSON: () => ++timesMeasured } } })

    expect(timesMeasured).toBe(0)
  })

  it('is checked before authorize is asked', () => {
    let timesAsked = 0
    const { manager, first } = twoTabs({ quotas: { filterUnits: 10 }, authorize: () => ++timesAsked > 0 })
    const filters = { long: 'x'.repeat(10) }

    expectCode('ERR_QUOTA_EXCEEDED', () => manager.addSubscription({ ...ALICES_PRICE, filters }))
    expectCode('ERR_QUOTA_EXCEEDED', () => first.subscribe({ ...PRICE, filters }))

    expect(timesAsked).toBe(0)
  })

  it('reads a getter once, and keeps the value that was measured', () => {
    const { first } = twoTabs({ quotas: { filterUnits: 50 } })
    let readings = 0

    first.subscribe({ ...PRICE, filters: { get a() { return ++readings === 1 ? 'short' : 'x'.repeat(1_000) } } })

    expect(readings).toBe(1)
    expect(filtersIn(first.subscriptions())).toEqual([{ a: 'short' }])
  })

  it('subscribes nobody if a measured getter shuts the manager down', () => {
    const { manager, first } = twoTabs()
    const closing = { deep: { toJSON: () => void manager.cleanup() } }

    expectCode('ERR_CLOSED', () => first.subscribe({ ...PRICE, filters: closing }))

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('subscribes no connection that a measured getter removes', () => {
    const { manager, first } = twoTabs()

    expectCode('ERR_UNKNOWN_CONNECTION', () => first.subscribe({ ...PRICE, filters: { deep: { toJSON: () => void first.remove() } } }))

    expect(manager.subscriptionCount).toBe(0)
  })
})
