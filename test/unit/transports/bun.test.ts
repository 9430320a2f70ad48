import { describe, expect, it } from 'vitest'
import type { CloseReason } from '../../../src/index.ts'
import { bunTransport, type BunSocket } from '../../../src/transports/bun.ts'

const QUEUED = -1
const DROPPED = 0
const [OPEN, CLOSED] = [1, 3]

/** Behaves as observed on Bun 1.4: `send` returns the given statuses, or else the length; nothing throws after the close. */
class ScriptedSocket implements BunSocket {
  readonly calls: unknown[] = []
  bufferedAmount = 0
  readyState = OPEN
  /** Whether `cork` calls back on a closed socket, which depends on the release of Bun. */
  corksWhenClosed = true
  readonly #statuses: number[]
  #isCorked = false

  constructor(...statuses: number[]) {
    this.#statuses = statuses
  }

  send(message: string | Uint8Array): number {
    this.calls.push([this.#isCorked ? 'corked send' : 'send', message])
    return this.readyState === OPEN ? (this.#statuses.shift() ?? message.length) : DROPPED
  }

  cork(callback: () => void): void {
    this.calls.push(['cork'])
    if (this.readyState !== OPEN && !this.corksWhenClosed) return
    this.#isCorked = true
    callback()
    this.#isCorked = false
  }

  getBufferedAmount(): number {
    return this.bufferedAmount
  }

  close(code?: number, reason?: string): void {
    this.readyState = CLOSED
    this.calls.push(['close', code, reason])
  }

  terminate(): void {
    this.readyState = CLOSED
    this.calls.push(['terminate'])
  }
}

describe('bunTransport', () => {
  const transport = bunTransport()

  it('sends the messages of one tick within one cork, in order', () => {
    const socket = new ScriptedSocket()

    const accepted = transport.write?.(socket, ['a', 'b', 'c'])

    expect(accepted).toBe(3)
    expect(socket.calls).toEqual([['cork'], ['corked send', 'a'], ['corked send', 'b'], ['corked send', 'c']])
  })

  it.each([
    ['all if all were sent', [1, 1, 1], 3, 3],
    ['those that Bun queued', [1, QUEUED, QUEUED], 3, 3],
    ['none from the first drop on, and sends no more', [QUEUED, DROPPED, 1], 1, 2],
    ['none if the first is dropped', [DROPPED], 0, 1],
  ])('returns as accepted %s', (_case, statuses, accepted, sends) => {
    const socket = new ScriptedSocket(...statuses)

    expect(transport.write?.(socket, ['a', 'b', 'c'])).toBe(accepted)
    expect(socket.calls).toHaveLength(1 + sends)
  })

  it('sends bytes between texts, the array itself', () => {
    const socket = new ScriptedSocket()
    const [bytes, empty] = [new Uint8Array(new ArrayBuffer(8), 2, 3), new Uint8Array()]

    expect(transport.write?.(socket, ['a', bytes, empty, ''] as string[])).toBe(4)

    expect(socket.calls).toEqual([['cork'], ['corked send', 'a'], ['corked send', bytes], ['corked send', empty], ['corked send', '']])
    expect((socket.calls[2] as unknown[])[1]).toBe(bytes)
  })

  it('recognises bytes that are dropped, even if there are none', () => {
    const socket = new ScriptedSocket(1, DROPPED)
    const frames = [Uint8Array.of(1), new Uint8Array(), Uint8Array.of(3)] as unknown as string[]
    socket.bufferedAmount = 1_048_577

    expect(transport.write?.(socket, frames)).toBe(1)
  })

  it('does not mistake 0 bytes sent for a drop if the text is empty', () => {
    const socket = new ScriptedSocket()

    expect(transport.write?.(socket, ['a', '', 'c'])).toBe(3)
  })

  it('recognises a drop under back-pressure, even if the text is empty', () => {
    const socket = new ScriptedSocket(DROPPED)
    socket.bufferedAmount = 1_048_577

    expect(transport.write?.(socket, [''])).toBe(0)
  })

  it.each([
    ['a', true],
    ['a', false],
    ['', true],
    ['', false],
  ])('throws for a closed socket (text %j, cork calls back: %s)', (text, corksWhenClosed) => {
    const socket = new ScriptedSocket()
    socket.terminate()
    socket.corksWhenClosed = corksWhenClosed

    expect(() => transport.write?.(socket, [text])).toThrow('readyState is 3')
  })

  it('throws if Bun closes the socket because of the drop', () => {
    const socket = new ScriptedSocket(1)
    socket.send = (text) => {
      if (text === 'b') socket.readyState = CLOSED
      return text === 'b' ? DROPPED : 1
    }

    expect(() => transport.write?.(socket, ['a', 'b'])).toThrow('readyState is 3')
  })

  it('tolerates a socket that closes after it has accepted everything', () => {
    const socket = new ScriptedSocket()
    socket.send = (text) => {
      if (text === 'b') socket.readyState = CLOSED
      return 1
    }

    expect(transport.write?.(socket, ['a', 'b'])).toBe(2)
  })

  it('reads how much a socket buffers', () => {
    const socket = new ScriptedSocket()
    socket.bufferedAmount = 70_000

    expect(transport.bufferedBytes?.(socket)).toBe(70_000)
  })

  it.each<[CloseReason, number, string]>([
    ['removed', 1000, 'removed'],
    ['peer-closed', 1000, 'peer closed'],
    ['cleanup', 1001, 'going away'],
    ['send-failed', 1011, 'send failed'],
    ['slow-consumer', 1013, 'slow consumer'],
  ])('closes a socket for "%s" with the code %i', (reason, code, text) => {
    const socket = new ScriptedSocket()

    void transport.close?.(socket, reason)

    expect(socket.calls).toEqual([['close', code, text]])
  })

  it('terminates without a close frame', () => {
    const socket = new ScriptedSocket()

    transport.terminate?.(socket)

    expect(socket.calls).toEqual([['terminate']])
  })

  it('has no hooks for drains and frames: the host reports drains', () => {
    expect(Object.keys(transport).toSorted()).toEqual(['bufferedBytes', 'close', 'terminate', 'write'])
  })
})
