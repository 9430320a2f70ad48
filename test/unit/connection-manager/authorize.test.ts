import { describe, expect, it } from 'vitest'
import { ConnectionManager, type AuthorizationRequest, type ConnectionManagerOptions } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ORDERS, PRICE, price } from '../../support/messages.ts'
import { stateOf } from '../../support/state.ts'

type Request = AuthorizationRequest<FakeSocket>

/** A user with one connection, and an authorize hook. */
function asked(authorize: (request: Request) => unknown = () => true, options: ConnectionManagerOptions<FakeSocket> = {}) {
  const clock = new ManualClock()
  const requests: Request[] = []
  const manager = new ConnectionManager<FakeSocket>({
    clock,
    ...options,
    authorize: (request) => {
      requests.push(request)
      return authorize(request) as boolean
    },
  })
  const errors: unknown[] = []
  manager.on('error', ({ error, stage, connection }) => errors.push([stage, error, connection?.id]))
  const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
  const subscribeUser = (): unknown => manager.addSubscription({ userId: 'alice', ...PRICE })
  const subscribeConnection = (): unknown => connection.subscribe(PRICE)
  return { manager, clock, connection, requests, errors, subscribeUser, subscribeConnection }
}

const LEVELS = ['subscribeUser', 'subscribeConnection'] as const

describe('ConnectionManager › authorize', () => {
  it("is asked about a user's subscription, filters included", () => {
    const { manager, requests } = asked()

    manager.addSubscription({ userId: 'alice', ...PRICE, filters: { depth: 5 } })
    manager.addSubscription({ userId: 'bob', ...ORDERS })

    expect(requests).toEqual([
      { userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT', filters: { depth: 5 } },
      { userId: 'bob', streamType: 'ORDER_UPDATES', symbol: undefined, filters: undefined },
    ])
  })

  it("is asked about a connection's own subscription, with its handle", () => {
    const { connection, requests } = asked()

    connection.subscribe({ ...PRICE, filters: { depth: 5 } })

    expect(requests).toEqual([{ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT', filters: { depth: 5 }, connection }])
    expect(requests[0]?.connection).toBe(connection)
  })

  it('cannot change its argument', () => {
    const { requests, subscribeConnection } = asked()

    subscribeConnection()

    expect(Object.isFrozen(requests[0])).toBe(true)
  })

  it('is asked again about a subscription that is already held', () => {
    let allowed = true
    const { manager, connection, requests, subscribeConnection } = asked(() => allowed)
    const subscription = connection.subscribe({ ...PRICE, filters: { depth: 5 } })
    allowed = false
    const [held] = connection.subscriptions()

    expectCode('ERR_FORBIDDEN', subscribeConnection)
    expectCode('ERR_FORBIDDEN', () => manager.addSubscription(subscription))

    expect(requests).toHaveLength(3)
    expect(subscription.status).toBe('CONNECTED')
    expect(connection.subscriptions()).toEqual([held])
    expect(held?.filters).toEqual({ depth: 5 })
  })

  it.each(LEVELS)('refuses unless it returns true, and changes nothing: %s', (level) => {
    for (const answer of [false, undefined, null, 0, 1, 'true', {}, [true], Object(true), () => true]) {
      const world = asked(() => answer)
      const before = [stateOf(world.manager), world.clock.pendingTimers, world.manager.activeStreams()]

      const error = expectCode('ERR_FORBIDDEN', world[level])

      expect(error).toMatchObject({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
      expect(error.cause).toBeUndefined()
      expect([stateOf(world.manager), world.clock.pendingTimers, world.manager.activeStreams()]).toEqual(before)
      expect(world.errors).toEqual([])
    }
  })

  it('lets the error name the refused connection, and no symbol if there is none', () => {
    const { manager, connection } = asked(() => false)

    expect(expectCode('ERR_FORBIDDEN', () => connection.subscribe(ORDERS))).toMatchObject({ connectionId: 'c1' })
    const error = expectCode('ERR_FORBIDDEN', () => manager.addSubscription({ userId: 'alice', ...ORDERS }))
    expect(['symbol' in error, 'connectionId' in error]).toEqual([false, false])
  })

  it.each(LEVELS)('refuses if it throws, with the thrown value as the cause, and reports the error: %s', (level) => {
    const boom = new Error('boom')
    const world = asked(() => { throw boom })

    const error = expectCode('ERR_FORBIDDEN', world[level])

    expect(error.cause).toBe(boom)
    expect(world.errors).toEqual([['authorize', boom, level === 'subscribeConnection' ? 'c1' : undefined]])
    expect(world.manager.subscriptionCount).toBe(0)
  })

  it('refuses a promise, even of true, and reports its rejection', async () => {
    const boom = new Error('boom')
    const answers = [Promise.resolve(true), Promise.reject(boom)]
    const { connection, manager, errors } = asked(() => answers.shift())

    expectCode('ERR_FORBIDDEN', () => connection.subscribe(PRICE))
    expectCode('ERR_FORBIDDEN', () => connection.subscribe(PRICE))
    await new Promise((resolve) => void setImmediate(resolve))

    expect(errors).toEqual([['authorize', boom, 'c1']])
    expect(manager.subscriptionCount).toBe(0)
  })

  it('refuses a return value whose then throws', () => {
    const boom = new Error('boom')
    const { connection } = asked(() => ({ get then() { throw boom } }))

    expect(expectCode('ERR_FORBIDDEN', () => connection.subscribe(PRICE)).cause).toBe(boom)
  })

  it('is not asked about an invalid request, or for a removed connection or unknown user', async () => {
    const { manager, connection, requests } = asked(() => true, { pendingTtlMs: 0 })

    expectCode('ERR_SYMBOL_REQUIRED', () => connection.subscribe({ streamType: 'PRICE' } as never))
    expectCode('ERR_UNKNOWN_STREAM', () => manager.addSubscription({ userId: 'alice', streamType: 'NONE' } as never))
    expectCode('ERR_UNKNOWN_USER', () => manager.addSubscription({ userId: 'bob', ...PRICE }))
    void connection.remove()
    expectCode('ERR_UNKNOWN_CONNECTION', () => connection.subscribe(PRICE))
    await manager.cleanup()
    expectCode('ERR_CLOSED', () => connection.subscribe(PRICE))

    expect(requests).toEqual([])
  })

  it('is followed by a re-check: a connection that it removed cannot subscribe', () => {
    const { manager, connection, subscribeConnection } = asked(({ connection: own }) => {
      void own?.remove()
      return true
    })

    expectCode('ERR_UNKNOWN_CONNECTION', subscribeConnection)

    expect([connection.removed, manager.subscriptionCount]).toEqual([true, 0])
  })

  it('is followed by a re-check: a user that it removed cannot subscribe', () => {
    const { manager, subscribeUser } = asked(() => {
      void manager.removeUser('alice')
      return true
    }, { pendingTtlMs: 0 })

    expectCode('ERR_UNKNOWN_USER', subscribeUser)

    expect(manager.subscriptionCount).toBe(0)
  })

  it.each(LEVELS)('is followed by a re-check: nothing is subscribed if it shut the manager down: %s', (level) => {
    const world = asked(() => {
      void world.manager.cleanup()
      return true
    })

    expectCode('ERR_CLOSED', world[level])

    expect(world.manager.subscriptionCount).toBe(0)
  })

  it('is followed by a re-check of the quota, which it may have used up', () => {
    const { manager, connection } = asked(({ symbol }) => {
      if (symbol === 'BTCUSDT') connection.subscribe({ streamType: 'PRICE', symbol: 'ETHUSDT' })
      return true
    }, { quotas: { subscriptionsPerUser: 1 } })

    expectCode('ERR_QUOTA_EXCEEDED', () => connection.subscribe(PRICE))

    expect(manager.getUserSubscriptions('alice').map(({ key }) => key)).toEqual(['alice:PRICE:ETHUSDT'])
  })

  it('may publish: it is called before anything changes', () => {
    const { manager, connection } = asked(() => {
      manager.publish(price('before'))
      return true
    })
    connection.subscribe(PRICE)
    connection.subscribe(PRICE)

    expect(connection.socket.received).toEqual(['before'])
  })

  it('is not asked when a message is published or a pending subscription is activated', () => {
    const { manager, requests } = asked()
    manager.addSubscription({ userId: 'bob', ...PRICE })
    manager.addConnection('b1', new FakeSocket(), 'bob')
    manager.publish(price())

    expect(requests).toHaveLength(1)
  })
})

describe('an authorize that gives the connection to another user', () => {
  it.each([PRICE, ORDERS])('has its subscription refused: %j', (stream) => {
    const { manager, connection } = asked(() => { connection.reassign('bob'); return true })

    const facts = expectCode('ERR_FORBIDDEN', () => connection.subscribe(stream))

    expect(facts).toMatchObject({ userId: 'alice', connectionId: 'c1', ...stream })
    expect('symbol' in facts).toBe('symbol' in stream)
    expect(manager.subscriptionCount).toBe(0)
  })
})
