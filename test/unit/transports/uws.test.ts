import { describe, expect, it } from 'vitest'
import { ConnectionManager, type CloseReason } from '../../../src/index.ts'
import { uwsTransport, type UwsSocket } from '../../../src/transports/uws.ts'
import { expectCode } from '../../support/errors.ts'

const SENT = 1
const ACCEPTED_UNDER_PRESSURE = 0
const DROPPED = 2

/** Behaves as uWebSockets.js: `send` returns the given statuses, and everything throws after the close. */
class ScriptedSocket implements UwsSocket {
  readonly calls: unknown[] = []
  bufferedAmount = 0
  readonly #statuses: number[]
  #isCorked = false
  #isClosed = false

  constructor(...statuses: number[]) {
    this.#statuses = statuses
  }

  send(message: string | Uint8Array, isBinary?: boolean): number {
    this.#assertOpen()
    this.calls.push([this.#isCorked ? 'corked send' : 'send', message, ...(isBinary === undefined ? [] : [isBinary])])
    return this.#statuses.shift() ?? SENT
  }

  cork(callback: () => void): this {
    this.#assertOpen()
    this.calls.push(['cork'])
    this.#isCorked = true
    callback()
    this.#isCorked = false
    return this
  }

  getBufferedAmount(): number {
    this.#assertOpen()
    return this.bufferedAmount
  }

  end(code?: number, shortMessage?: string): void {
    this.#assertOpen()
    this.#isClosed = true
    this.calls.push(['end', code, shortMessage])
  }

  close(): void {
    this.#assertOpen()
    this.#isClosed = true
    this.calls.push(['close'])
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('Invalid access of closed uWS.WebSocket/SSLWebSocket.')
  }
}

describe('uwsTransport', () => {
  const transport = uwsTransport()

  it('sends the messages of one tick within one cork, in order', () => {
    const socket = new ScriptedSocket()

    const accepted = transport.write?.(socket, ['a', 'b', 'c'])

    expect(accepted).toBe(3)
    expect(socket.calls).toEqual([['cork'], ['corked send', 'a'], ['corked send', 'b'], ['corked send', 'c']])
  })

  it.each([
    ['all if all were sent', [SENT, SENT, SENT], 3, 3],
    ['those that uWS buffered', [SENT, ACCEPTED_UNDER_PRESSURE, ACCEPTED_UNDER_PRESSURE], 3, 3],
    ['none from the first drop on, and sends no more', [ACCEPTED_UNDER_PRESSURE, DROPPED, SENT], 1, 2],
    ['none if the first is dropped', [DROPPED], 0, 1],
  ])('returns as accepted %s', (_case, statuses, accepted, sends) => {
    const socket = new ScriptedSocket(...statuses)

    expect(transport.write?.(socket, ['a', 'b', 'c'])).toBe(accepted)
    expect(socket.calls).toHaveLength(1 + sends)
  })

  it('sends bytes as binary messages between texts, the array itself', () => {
    const socket = new ScriptedSocket()
    const [bytes, empty] = [new Uint8Array(new ArrayBuffer(8), 2, 3), new Uint8Array()]

    expect(transport.write?.(socket, ['a', bytes, empty, ''] as string[])).toBe(4)

    expect(socket.calls).toEqual([['cork'], ['corked send', 'a'], ['corked send', bytes, true], ['corked send', empty, true], ['corked send', '']])
    expect((socket.calls[2] as unknown[])[1]).toBe(bytes)
  })

  it('recognises bytes that are dropped', () => {
    const socket = new ScriptedSocket(SENT, DROPPED)

    expect(transport.write?.(socket, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)] as unknown as string[])).toBe(1)
  })

  it('throws for a closed socket', () => {
    const socket = new ScriptedSocket()
    socket.close()

    expect(() => transport.write?.(socket, ['a'])).toThrow('closed')
  })

  it('reads how much a socket buffers', () => {
    const socket = new ScriptedSocket()
    socket.bufferedAmount = 70_000

    expect(transport.bufferedBytes?.(socket)).toBe(70_000)
  })

  it.each<[CloseReason, number, string]>([
    ['removed', 1000, 'removed'],
    ['cleanup', 1001, 'going away'],
    ['send-failed', 1011, 'send failed'],
    ['slow-consumer', 1013, 'slow consumer'],
  ])('closes a socket for "%s" with the code %i', (reason, code, text) => {
    const socket = new ScriptedSocket()

    void transport.close?.(socket, reason)

    expect(socket.calls).toEqual([['end', code, text]])
  })

  it('terminates without a close frame', () => {
    const socket = new ScriptedSocket()

    transport.terminate?.(socket)

    expect(socket.calls).toEqual([['close']])
  })

  it('makes a manager refuse a closed socket, and does not report later closes: the host does', async () => {
    const manager = new ConnectionManager<ScriptedSocket>({ transport })
    const [open, closed] = [new ScriptedSocket(), new ScriptedSocket()]
    closed.close()

    expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c1', closed, 'alice'))
    const connection = manager.addConnection('c2', open, 'alice')

    expect(manager.connectionCount).toBe(1)
    expect(await connection.remove()).toBe(true)
  })

  it('has no hooks for drains and frames: the host reports drains', () => {
    expect(Object.keys(transport).toSorted()).toEqual(['bufferedBytes', 'close', 'onClose', 'terminate', 'write'])
  })
})
