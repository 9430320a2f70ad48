import { describe, expect, it } from 'vitest'
import { ConnectionManager, type RemovalOptions, type Transport } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { PRICE, price } from '../../support/messages.ts'

/** A manager with one connection, and a log of its errors. */
function desk(socket = new FakeSocket(), transport?: Transport<FakeSocket>) {
  const manager = new ConnectionManager<FakeSocket>({ delivery: { softLimitBytes: 0, hardLimitBytes: 0 } })
  const errors: unknown[] = []
  manager.on('error', ({ error, stage }) => errors.push([stage, (error as Error).message]))
  const connection = manager.addConnection('c1', socket, 'alice', { transport })
  connection.subscribe(PRICE)
  return { manager, connection, socket, errors }
}

/** A socket that takes only the codes that the web platform takes, and throws before it closes. */
class WebSocketOfTheWeb extends FakeSocket {
  override close(code?: number, reason?: string): void | Promise<void> {
    if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) throw new Error(`InvalidAccessError: ${code}`)
    return super.close(code, reason)
  }
}

describe('connection.remove({ code, reason })', () => {
  it.each<[RemovalOptions, unknown]>([
    [{ code: 4001, reason: 'token expired' }, { code: 4001, reason: 'token expired' }],
    [{ code: 1000 }, { code: 1000, reason: '' }],
    [{ reason: 'logged in elsewhere' }, { code: 1000, reason: 'logged in elsewhere' }],
    [{ close: true, code: 1013, reason: '' }, { code: 1013, reason: '' }],
    [{}, undefined],
    [{ code: undefined, reason: undefined }, undefined],
  ])('with %j closes the socket with %j', async (options, closedWith) => {
    const { connection, socket } = desk()

    await connection.remove(options)

    expect(socket.closedWith).toEqual(closedWith)
    expect(socket.closeCalls).toBe(1)
  })

  it('hands code and reason to the close of a transport, and nothing if there are none', async () => {
    const calls: unknown[][] = []
    const transport: Transport<FakeSocket> = { close: (...facts) => void calls.push(facts) }
    const told = desk(undefined, transport)
    const untold = desk(undefined, transport)

    await told.connection.remove({ code: 4001, reason: 'token expired' })
    await untold.connection.remove()

    expect(calls).toEqual([
      [told.socket, 'removed', { code: 4001, reason: 'token expired' }],
      [untold.socket, 'removed'],
    ])
  })

  it.each([1000, 1001, 1002, 1003, 1007, 1013, 3000, 4999])('takes the code %d', async (code) => {
    const { connection, socket } = desk()

    await connection.remove({ code })

    expect(socket.closedWith?.code).toBe(code)
  })

  it.each<[string, unknown, field?: string]>([
    ['a code that is reserved', { code: 1005 }, 'code'],
    ['a code that nobody may send', { code: 1006 }, 'code'],
    ['a code without a meaning', { code: 1004 }, 'code'],
    ['a code for TLS', { code: 1015 }, 'code'],
    ['a code that is not registered', { code: 1014 }, 'code'],
    ['a code below all others', { code: 999 }, 'code'],
    ['a code of nobody', { code: 2999 }, 'code'],
    ['a code above all others', { code: 5000 }, 'code'],
    ['half a code', { code: 1000.5 }, 'code'],
    ['a code as a text', { code: '1000' }, 'code'],
    ['null as a code', { code: null }, 'code'],
    ['a number as a reason', { reason: 7 }, 'reason'],
    ['124 ASCII characters', { reason: 'x'.repeat(124) }, 'reason'],
    ['124 bytes of two-byte characters', { reason: 'é'.repeat(62) }, 'reason'],
    ['124 bytes of three-byte characters', { reason: `${'€'.repeat(41)}x` }, 'reason'],
    ['124 bytes of four-byte characters', { reason: '😀'.repeat(31) }, 'reason'],
    ['124 bytes of the first two-byte character', { reason: '\u0080'.repeat(62) }, 'reason'],
    ['124 bytes of the first three-byte character', { reason: `${'\u0800'.repeat(41)}x` }, 'reason'],
    ['124 bytes of the first four-byte character', { reason: '\u{10000}'.repeat(31) }, 'reason'],
    ['lone surrogates, which are sent as three bytes', { reason: `\ud800${'x'.repeat(121)}` }, 'reason'],
    ['a code for a socket that is not closed', { close: false, code: 1000 }, 'code'],
    ['a reason for a socket that is not closed', { close: false, reason: 'bye' }, 'reason'],
    ['an unknown option', { code: 1000, text: 'bye' }, 'text'],
  ])('refuses %s, and changes nothing', (_what, options, field) => {
    const { connection, socket } = desk()

    const error = expectCode('ERR_INVALID_ARGUMENT', () => connection.remove(options as RemovalOptions))

    expect(error['field']).toBe(field)
    expect([connection.removed, socket.closeCalls]).toEqual([false, 0])
  })

  it.each(['x'.repeat(123), `${'é'.repeat(61)}x`, '€'.repeat(41), `${'😀'.repeat(30)}xyz`, ''])('takes a reason of at most 123 bytes: %s', async (reason) => {
    const { connection, socket } = desk()

    await connection.remove({ code: 4000, reason })

    expect(socket.closedWith).toEqual({ code: 4000, reason })
  })

  it('closes without a code if the socket refuses the code, and reports that', async () => {
    const { connection, socket, errors } = desk(new WebSocketOfTheWeb())

    expect(await connection.remove({ code: 1013, reason: 'later' })).toBe(true)

    expect([socket.closeCalls, socket.closedWith]).toEqual([1, undefined])
    expect(errors).toEqual([['close', 'InvalidAccessError: 1013']])
  })
})

describe('a slow consumer', () => {
  const TOLD = { code: 1013, reason: 'slow consumer' }
  /** A socket whose buffer has this size, and a transport that can close and terminate it. */
  const buffering = (bytes: number) => {
    const log: unknown[][] = []
    const transport: Transport<FakeSocket> = {
      write: () => 0,
      bufferedBytes: () => bytes,
      close: (_socket, ...facts) => void log.push(['close', ...facts]),
      terminate: () => void log.push(['terminate']),
    }
    return { log, transport }
  }

  it('is told why by its plain socket', () => {
    const { manager, socket } = desk(new FakeSocket({ bufferedAmount: 1 }))

    manager.publish(price())

    expect([socket.closedWith, socket.closeCalls]).toEqual([TOLD, 1])
  })

  it('is closed without a code, and nothing is reported, if its plain socket refuses the code', () => {
    const socket = new WebSocketOfTheWeb({ bufferedAmount: 1 })
    const { manager, errors } = desk(socket)

    manager.publish(price())

    expect([socket.closeCalls, socket.closedWith, errors]).toEqual([1, undefined, []])
  })

  it('is terminated if its socket is stuck', () => {
    const { log, transport } = buffering(1)
    const { manager, connection } = desk(undefined, transport)

    manager.publish(price())
    connection.flush()

    expect(log).toEqual([['terminate']])
  })

  it('is told why by its transport if its socket has room again', () => {
    const { log, transport } = buffering(0)
    const { manager, connection } = desk(undefined, transport)

    manager.publish(price())
    connection.flush()

    expect(log).toEqual([['close', 'slow-consumer']])
  })

  it('is terminated if nobody can say whether its socket has room', () => {
    const { log, transport: { bufferedBytes: _, ...transport } } = buffering(0)
    const { manager, connection } = desk(undefined, transport)

    manager.publish(price())
    connection.flush()

    expect(log).toEqual([['terminate']])
  })
})
