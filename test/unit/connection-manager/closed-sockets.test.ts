import { describe, expect, it } from 'vitest'
import { ConnectionManager, type CloseReason, type ConnectionManagerOptions, type Transport } from '../../../src/index.ts'
import { bunTransport, type BunSocket } from '../../../src/transports/bun.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { PRICE, price } from '../../support/messages.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

const SETTLED = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))

/** A socket with one additional property. */
function socketWith(property: PropertyDescriptor): FakeSocket {
  return Object.defineProperty(new FakeSocket(), 'readyState', property)
}

/** A manager, and a log of its errors, with stage and connection, and of the reason of each removal. */
function managing(options: ConnectionManagerOptions<FakeSocket> = {}) {
  const manager = new ConnectionManager<FakeSocket>(options)
  const errors: unknown[] = []
  const reasons: CloseReason[] = []
  manager.on('error', ({ error, stage, connection }) => errors.push([stage, (error as Error).message, connection?.id]))
  manager.on('connectionRemoved', ({ reason }) => reasons.push(reason))
  return { manager, errors, reasons }
}

/** A transport that reports a close when the test calls a function, and a log of its calls. */
class TellingTransport implements Transport<FakeSocket> {
  readonly listeners: (() => void)[] = []
  stops = 0
  /** A side effect of `onClose`, before it returns. */
  onListening: (listener: () => void) => void = () => {}
  onStop: () => unknown = () => {}

  readonly onClose = (_socket: FakeSocket, listener: () => void): (() => void) => {
    this.listeners.push(listener)
    this.onListening(listener)
    return () => {
      this.stops++
      return this.onStop() as void
    }
  }

  tell(): void {
    for (const listener of this.listeners) listener()
  }
}

function telling() {
  const transport = new TellingTransport()
  return { transport, ...managing({ transport }) }
}

describe('ConnectionManager › a closed socket', () => {
  it.each([2, 3])('is refused if its readyState is %i, and nothing changes', (readyState) => {
    const { manager } = managing({ quotas: { connections: 0 } })
    const socket = socketWith({ value: readyState })

    const error = expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c1', socket, 'alice'))

    expect(error).toMatchObject({ connectionId: 'c1', userId: 'alice' })
    expect(stateOf(manager)).toEqual(NOTHING)
    expect(socket.closeCalls).toBe(0)
  })

  it('is refused if it is a socket of Bun whose readyState is 3', () => {
    const manager = new ConnectionManager<BunSocket>({ transport: bunTransport() })
    const socket: BunSocket = { readyState: 3, send: () => 0, cork() {}, getBufferedAmount: () => 0, close() {}, terminate() {} }

    expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c1', socket, 'alice'))

    expect(manager.connectionCount).toBe(0)
  })

  it.each<[what: string, readyState: PropertyDescriptor]>([
    ['0', { value: 0 }],
    ['1', { value: 1 }],
    ['4', { value: 4 }],
    ['a text', { value: '3' }],
    ['"closed", as on a TCP socket', { value: 'closed' }],
    ['a bigint', { value: 3n }],
    ['NaN', { value: NaN }],
    ['a getter that throws', { get: () => { throw new Error('hostile') } }],
  ])('is not assumed if its readyState is %s', (_what, readyState) => {
    const { manager, errors } = managing()

    manager.addConnection('c1', socketWith(readyState), 'alice')

    expect(manager.connectionCount).toBe(1)
    expect(errors).toEqual([])
  })

  it('still yields its existing connection if it is added again', () => {
    const { manager } = managing()
    const socket = socketWith({ value: 1, writable: true })
    const connection = manager.addConnection('c1', socket, 'alice')

    Object.assign(socket, { readyState: 3 })

    expect(manager.addConnection('c1', socket, 'alice')).toBe(connection)
    expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c2', socket, 'alice'))
    expectCode('ERR_DUPLICATE_CONNECTION', () => manager.addConnection('c1', socket, 'bob'))
  })

  it('is refused with ERR_CLOSED if its readyState shuts the manager down', () => {
    const { manager } = managing()
    const socket = socketWith({ get: () => (void manager.cleanup(), 3) })

    expectCode('ERR_CLOSED', () => manager.addConnection('c1', socket, 'alice'))
  })
})

describe('ConnectionManager › a transport with onClose', () => {
  it('removes the connection as peer-closed, and leaves its socket alone', () => {
    const { transport, manager, reasons, errors } = telling()
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')
    connection.subscribe(PRICE)

    transport.tell()

    expect(stateOf(manager)).toEqual(NOTHING)
    expect(connection.removed).toBe(true)
    expect(reasons).toEqual(['peer-closed'])
    expect(socket.closeCalls).toBe(0)
    expect(errors).toEqual([])
  })

  it('is called once for each connection, with its socket, as a method', () => {
    const seen: unknown[] = []
    const transport = {
      onClose(socket: FakeSocket) {
        seen.push([this === transport, socket])
        return () => {}
      },
    }
    const { manager } = managing({ transport })
    const sockets = [new FakeSocket(), new FakeSocket()]

    for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, 'alice')
    manager.addConnection('c0', sockets[0] as FakeSocket, 'alice')

    expect(seen).toEqual(sockets.map((socket) => [true, socket]))
  })

  it('does nothing if it notifies twice, or about a removed connection, or about an id that is in use again', async () => {
    const { transport, manager, reasons } = telling()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    transport.tell()
    transport.tell()
    await manager.addConnection('c1', new FakeSocket(), 'alice').remove()
    const next = manager.addConnection('c1', new FakeSocket(), 'alice')

    transport.listeners.slice(0, 2).forEach((tell) => tell())

    expect(manager.getConnection('c1')).toBe(next)
    expect(reasons).toEqual(['peer-closed', 'removed'])
    expect(await connection.remove({ close: false })).toBe(false)
  })

  it('does nothing if it notifies during the flush of a connection that is being removed', async () => {
    const telling = new TellingTransport()
    const written: string[] = []
    const transport: Transport<FakeSocket> = {
      onClose: telling.onClose,
      write: (_socket, texts) => {
        written.push(...texts)
        telling.tell()
      },
    }
    const { manager, reasons } = managing({ transport })
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    connection.send('bye')

    expect(await connection.remove()).toBe(true)

    expect([written, reasons, connection.socket.closeCalls, telling.stops]).toEqual([['bye'], ['removed'], 1, 1])
  })

  it.each<[how: string, remove: (manager: ConnectionManager<FakeSocket>, transport: TellingTransport) => unknown]>([
    ['remove', (manager) => manager.getConnection('c1')?.remove()],
    ['remove with close: false', (manager) => manager.getConnection('c1')?.remove({ close: false })],
    ['removeConnection', (manager) => manager.removeConnection('c1')],
    ['removeUser', (manager) => manager.removeUser('alice')],
    ['cleanup', (manager) => manager.cleanup()],
    ['a send that fails', (manager) => manager.broadcast(price())],
    ['its own notification', (_manager, transport) => transport.tell()],
  ])('is stopped once if the connection is removed by %s, after the state change', async (_how, remove) => {
    const { transport, manager } = telling()
    const counts: number[] = []
    transport.onStop = () => counts.push(manager.connectionCount)
    manager.addConnection('c1', new FakeSocket({ send: () => { throw new Error('broken') } }), 'alice')

    await remove(manager, transport)
    await manager.cleanup()

    expect(transport.stops).toBe(1)
    expect(counts).toEqual([0])
  })

  it.each<[what: string, onClose: () => unknown, message: string]>([
    ['throws', () => { throw new Error('no such event') }, 'no such event'],
    ['returns nothing', () => {}, 'onClose must return a function'],
    ['returns a promise that rejects', () => Promise.reject(new Error('late')), 'onClose must return a function'],
  ])('registers the connection anyway, and reports the error, if it %s', async (_what, onClose, message) => {
    const { manager, errors } = managing({ transport: { onClose: onClose as () => () => void } })

    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    await SETTLED()

    expect(errors).toEqual([['transport', message, 'c1']])
    expect(await connection.remove()).toBe(true)
  })

  it('still works if it threw after it had registered', () => {
    const { transport, manager, errors } = telling()
    transport.onListening = () => { throw new Error('half done') }
    manager.addConnection('c1', new FakeSocket(), 'alice')

    transport.tell()

    expect(manager.connectionCount).toBe(0)
    expect(errors).toEqual([['transport', 'half done', 'c1']])
  })

  it.each<[what: string, onStop: () => unknown]>([
    ['throws', () => { throw new Error('stuck') }],
    ['rejects', () => Promise.reject(new Error('stuck'))],
  ])('stops without harm if its stop function %s, which is reported', async (_what, onStop) => {
    const { transport, manager, errors } = telling()
    transport.onStop = onStop
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')

    expect(await connection.remove()).toBe(true)
    await SETTLED()

    expect(errors).toEqual([['transport', 'stuck', 'c1']])
    expect(socket.closeCalls).toBe(1)
  })

  it('refuses a socket that it reports as closed at once, and is stopped', () => {
    const { transport, manager, errors } = telling()
    transport.onListening = (listener) => listener()
    const socket = new FakeSocket()

    const error = expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c1', socket, 'alice'))

    expect(error).toMatchObject({ connectionId: 'c1', userId: 'alice' })
    expect(stateOf(manager)).toEqual(NOTHING)
    expect([transport.stops, socket.closeCalls]).toEqual([1, 0])
    expect(errors).toEqual([])
  })

  it('refuses a socket that it reports as closed at once before it throws, with that error as the cause', () => {
    const { transport, manager, errors } = telling()
    const cause = new Error('gone')
    transport.onListening = (listener) => {
      listener()
      throw cause
    }

    const error = expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c1', new FakeSocket(), 'alice'))

    expect(error.cause).toBe(cause)
    expect(errors).toEqual([])
  })

  it.each<[code: string, act: (manager: ConnectionManager<FakeSocket>) => void]>([
    ['ERR_CLOSED', (manager) => void manager.cleanup()],
    ['ERR_DUPLICATE_CONNECTION', (manager) => void manager.addConnection('c1', new FakeSocket(), 'bob', { transport: {} })],
    ['ERR_QUOTA_EXCEEDED', (manager) => void manager.addConnection('c2', new FakeSocket(), 'alice', { transport: {} })],
  ])('is stopped if its own side effects make the manager refuse the connection: %s', (code, act) => {
    const transport = new TellingTransport()
    const { manager, errors } = managing({ transport, quotas: { connectionsPerUser: 1 } })
    transport.onListening = () => act(manager)
    transport.onStop = () => { throw new Error('stuck') }

    expectCode(code as 'ERR_CLOSED', () => manager.addConnection('c1', new FakeSocket(), 'alice'))

    expect(transport.stops).toBe(1)
    expect(errors).toEqual([['transport', 'stuck', undefined]])
  })

  it('has its error reported without a connection if the socket is refused for another reason', () => {
    const { transport, manager, errors } = telling()
    transport.onListening = () => {
      void manager.cleanup()
      throw new Error('half done')
    }

    expectCode('ERR_CLOSED', () => manager.addConnection('c1', new FakeSocket(), 'alice'))

    expect(errors).toEqual([['transport', 'half done', undefined]])
  })

  it('is stopped, and the existing handle returned, if it registered the same connection itself', () => {
    const { transport, manager } = telling()
    const socket = new FakeSocket()
    let inner: unknown
    transport.onListening = () => {
      transport.onListening = () => {}
      inner = manager.addConnection('c1', socket, 'alice')
    }

    const connection = manager.addConnection('c1', socket, 'alice')

    expect(connection).toBe(inner)
    expect([manager.connectionCount, transport.stops]).toEqual([1, 1])
    transport.tell()
    expect([manager.connectionCount, transport.stops]).toEqual([0, 2])
  })

  it('may notify during a delivery: a connection that it reports does not get the message any more', () => {
    const { transport, manager } = telling()
    const last = new FakeSocket()
    manager.addConnection('c1', new FakeSocket({ send: () => transport.listeners[1]?.() }), 'alice')
    manager.addConnection('c2', last, 'bob')

    const result = manager.broadcast(price())

    expect(result).toMatchObject({ matched: 2, sent: 1, skipped: 1, failed: 0 })
    expect(last.received).toEqual([])
    expect(manager.connectionCount).toBe(1)
  })

  it('may notify from within a listener of the same registration', () => {
    const { transport, manager, reasons } = telling()
    manager.on('connectionAdded', () => transport.tell())

    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(connection.removed).toBe(true)
    expect(reasons).toEqual(['peer-closed'])
    expectCode('ERR_UNKNOWN_CONNECTION', () => connection.subscribe(PRICE))
  })

  it('is the one of the connection, if that has its own transport', () => {
    const { transport: shared, manager } = telling()
    const own = new TellingTransport()
    manager.addConnection('c1', new FakeSocket(), 'alice', { transport: own })

    shared.tell()
    expect(manager.connectionCount).toBe(1)
    own.tell()

    expect(manager.connectionCount).toBe(0)
    expect(shared.listeners).toEqual([])
  })

  it('is refused if its onClose is not a function', () => {
    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ transport: { onClose: 'close' as never } }))

    expect(error).toMatchObject({ option: 'transport.onClose' })
  })
})
