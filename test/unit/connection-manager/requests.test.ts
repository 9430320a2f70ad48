import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ORDERS, PRICE } from '../../support/messages.ts'
import { stateOf } from '../../support/state.ts'

/** Alice with two connections and Bob with one. */
function desk() {
  const manager = new ConnectionManager<FakeSocket>()
  const connection = manager.addConnection('a1', new FakeSocket(), 'alice')
  manager.addConnection('a2', new FakeSocket(), 'alice')
  manager.addConnection('b1', new FakeSocket(), 'bob')
  return { manager, connection }
}

type Desk = ReturnType<typeof desk>

/** The methods that accept a request or a reference, each called for Alice's price. */
const TAKERS: Readonly<Record<string, (desk: Desk, given: unknown) => unknown>> = {
  addSubscription: ({ manager }, given) => manager.addSubscription(given as never),
  'connection.subscribe': ({ connection }, given) => connection.subscribe(given as never),
  removeSubscription: ({ manager }, given) => manager.removeSubscription(given as never),
  'connection.unsubscribe': ({ connection }, given) => connection.unsubscribe(given as never),
  revoke: ({ manager }, given) => manager.revoke(given as never),
}

const ALICES_PRICE = { userId: 'alice', ...PRICE }

class Command {
  get userId(): string {
    return 'alice'
  }

  get streamType(): string {
    return 'PRICE'
  }

  get symbol(): string {
    return 'BTCUSDT'
  }

  get unrelated(): number {
    return 7
  }
}

class Bare {
  get unrelated(): number {
    return 7
  }
}

describe.each(Object.entries(TAKERS))('%s', (name, take) => {
  const begins = name === 'addSubscription' || name === 'connection.subscribe'

  it.each([
    ['as own properties', () => ({ ...ALICES_PRICE })],
    ['without a prototype', () => Object.assign(Object.create(null) as object, ALICES_PRICE)],
    ['inherited', () => Object.create(ALICES_PRICE) as object],
    ['not enumerable', () => Object.defineProperties({}, Object.getOwnPropertyDescriptors(Object.freeze({ ...ALICES_PRICE })))],
    ['by the getters of a class', () => new Command()],
    ['from another realm', () => Object.assign(runInNewContext('({})') as object, ALICES_PRICE)],
  ])('reads its fields %s', (_how, make) => {
    const at = desk()
    if (!begins) {
      at.manager.addSubscription(ALICES_PRICE)
      at.connection.subscribe(PRICE)
    }

    const answer = take(at, make())

    if (begins) expect(answer).toMatchObject(ALICES_PRICE)
    else expect(Number(answer)).toBe(1)
  })

  it.each(['simbol', 'filter', 'command', 'id', 'constructor', '__proto__'])('refuses the unknown field %s, by name, and changes nothing', (field) => {
    const at = desk()
    at.manager.addSubscription(ALICES_PRICE)
    at.connection.subscribe(PRICE)
    const before = stateOf(at.manager)

    const error = expectCode('ERR_INVALID_ARGUMENT', () => take(at, Object.defineProperty({ ...ALICES_PRICE }, field, { value: 1, enumerable: true })))

    expect(error).toMatchObject({ field })
    expect(error.message).toContain(field)
    expect(stateOf(at.manager)).toEqual(before)
  })

  it('refuses an unknown field that is not enumerable, inherited from a plain object, or on an object of a class', () => {
    const at = desk()

    for (const given of [
      Object.defineProperty({ ...ALICES_PRICE }, 'simbol', { value: 1 }),
      Object.create({ ...ALICES_PRICE, simbol: 1 }) as object,
      Object.assign(new Command(), { simbol: 1 }),
    ]) {
      expect(expectCode('ERR_INVALID_ARGUMENT', () => take(at, given))).toMatchObject({ field: 'simbol' })
    }
  })

  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a string', () => 'alice:PRICE:BTCUSDT'],
    ['a number', () => 7],
    ['a function', () => () => ({})],
    ['a Map', () => new Map(Object.entries(ALICES_PRICE))],
    ['a Map with the fields', () => Object.assign(new Map(), ALICES_PRICE)],
    ['an array', () => Object.values(ALICES_PRICE)],
    ['an array with the fields', () => Object.assign([], ALICES_PRICE)],
    ['a Set', () => new Set(Object.values(ALICES_PRICE))],
    ['an object of a class that has none of the names', () => new Bare()],
    ['a proxy that cannot be inspected', () => new Proxy({ ...ALICES_PRICE }, { ownKeys() { throw new Error('hostile') } })],
  ])('refuses %s', (_what, make) => {
    const at = desk()
    at.manager.addSubscription(ALICES_PRICE)
    const before = stateOf(at.manager)

    expectCode('ERR_INVALID_ARGUMENT', () => take(at, make()))

    expect(stateOf(at.manager)).toEqual(before)
  })

  it('refuses a field that cannot be read, with the thrown error as the cause', () => {
    const reason = new Error('hostile')

    const error = expectCode('ERR_INVALID_ARGUMENT', () => take(desk(), { ...ALICES_PRICE, get symbol() { throw reason } }))

    expect(error.cause).toBe(reason)
  })

  it('accepts a subscription as a reference, passed whole or by its fields', () => {
    const at = desk()
    const subscription = at.manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } })
    at.connection.subscribe(PRICE)
    const { userId, streamType, symbol } = subscription

    for (const given of [subscription, { ...subscription }, { userId, streamType, symbol }]) {
      expect(() => take(at, given)).not.toThrow()
      at.manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } })
      at.connection.subscribe(PRICE)
    }
  })
})

describe("a copy of a subscription's fields", () => {
  it('is a request and a reference: as JSON, and field by field', () => {
    const { manager, connection } = desk()
    const subscription = manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } })
    const { userId, streamType, symbol, filters, status, createdAt, lastUpdate, key } = subscription

    for (const copy of [{ userId, streamType, symbol, filters, status, createdAt, lastUpdate, key }, JSON.parse(JSON.stringify(subscription)) as typeof subscription]) {
      expect(manager.addSubscription(copy).filters).toEqual({ depth: 5 })
      expect(connection.subscribe(copy)).toMatchObject(ALICES_PRICE)
      expect(connection.unsubscribe(copy)).toBe(true)
      expect(manager.removeSubscription(copy)).toBe(true)
    }
  })

  it('is refused by revoke, which accepts no filters and no status', () => {
    const { manager } = desk()
    const subscription = manager.addSubscription({ ...ALICES_PRICE, filters: { depth: 5 } })

    const error = expectCode('ERR_INVALID_ARGUMENT', () => manager.revoke({ ...ALICES_PRICE, filters: subscription.filters } as never))

    expect(error).toMatchObject({ field: 'filters' })
    expect(subscription.status).toBe('CONNECTED')
  })
})

describe('Connection › subscribe', () => {
  it.each([undefined, null, 'alice'])('accepts the userId %s', (userId) => {
    const { connection } = desk()

    expect(connection.subscribe({ ...PRICE, userId })).toMatchObject(ALICES_PRICE)
  })

  it.each(['bob', '', 'Alice', 7, {}, ['alice']])('refuses the userId %j, which is not its own, and changes nothing', (userId) => {
    const { manager, connection } = desk()
    const before = stateOf(manager)

    const error = expectCode('ERR_INVALID_ARGUMENT', () => connection.subscribe({ ...PRICE, userId } as never))

    expect(error).toMatchObject({ field: 'userId' })
    expect(stateOf(manager)).toEqual(before)
  })

  it('refuses a subscription of another user', () => {
    const { manager, connection } = desk()
    const bobs = manager.addSubscription({ userId: 'bob', ...PRICE })

    expectCode('ERR_INVALID_ARGUMENT', () => connection.subscribe(bobs))
  })
})

describe('a reference to a subscription', () => {
  it.each([
    ['userId', {}],
    ['userId', PRICE],
    ['streamType', { userId: 'alice' }],
    ['streamType', { userId: 'alice', symbol: 'BTCUSDT' }],
  ])('is refused by removeSubscription without its %s: %j', (field, reference) => {
    const error = expectCode('ERR_INVALID_ARGUMENT', () => desk().manager.removeSubscription(reference as never))

    expect(error).toMatchObject({ field })
  })

  it.each([[{}], [{ symbol: 'BTCUSDT' }], [{ userId: 'alice' }]])('is refused by unsubscribe without its streamType: %j', (reference) => {
    const error = expectCode('ERR_INVALID_ARGUMENT', () => desk().connection.unsubscribe(reference as never))

    expect(error).toMatchObject({ field: 'streamType' })
  })

  it.each(['GOSSIP', 'constructor', '', 7, null, undefined, {}, Symbol('id')])('with %s in its fields finds nothing, and is not refused', (value) => {
    const { manager, connection } = desk()

    expect(manager.removeSubscription({ userId: value, streamType: value, symbol: value } as never)).toBe(false)
    expect(connection.unsubscribe({ streamType: value, symbol: value } as never)).toBe(false)
  })

  it('releases a hold by its stream alone, whatever user it names', () => {
    const { connection } = desk()
    connection.subscribe(ORDERS)

    expect(connection.unsubscribe({ ...ORDERS, userId: 'bob' } as never)).toBe(true)
  })
})
