import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket as WsSocket } from 'ws'
import { ConnectionManager, type Connection, type Socket } from '../../../src/index.ts'

/** A class written without knowledge of this library. */
class EventStream {
  readonly #lines: string[] = []

  send(text: string): number {
    return this.#lines.push(text)
  }

  async close(): Promise<void> {
    this.#lines.length = 0
  }
}

class WithoutClose {
  send(_text: string): void {}
}

class WithoutSend {
  close(): void {}
}

class OfBytes {
  send(_bytes: Uint8Array): void {}
  close(): void {}
}

class ThatNeedsACode {
  send(_text: string): void {}
  close(_code: number): void {}
}

describe('ConnectionManager<TSocket>', () => {
  it('accepts the sockets of ws', () => {
    const manager = new ConnectionManager<WsSocket>()

    expectTypeOf<WsSocket>().toExtend<Socket>()
    expectTypeOf(manager.addConnection).parameter(1).toEqualTypeOf<WsSocket>()
  })

  it('accepts the sockets of the DOM', () => {
    const manager = new ConnectionManager<WebSocket>()

    expectTypeOf<WebSocket>().toExtend<Socket>()
    expectTypeOf(manager.addConnection).parameter(1).toEqualTypeOf<WebSocket>()
  })

  it('accepts the data channels of WebRTC', () => {
    expectTypeOf<RTCDataChannel>().toExtend<Socket>()
  })

  it('accepts a hand-written class whose send returns a value and whose close is asynchronous', () => {
    const manager = new ConnectionManager<EventStream>()

    expectTypeOf(manager.addConnection('c1', new EventStream(), 'alice').socket).toEqualTypeOf<EventStream>()
  })

  it('accepts an object literal', () => {
    new ConnectionManager().addConnection('c1', { send: async () => {}, close() {} }, 'alice')
  })

  it('accepts no socket without close', () => {
    // @ts-expect-error it has no close
    new ConnectionManager<WithoutClose>()
    // @ts-expect-error it has no close
    new ConnectionManager().addConnection('c1', new WithoutClose(), 'alice')
  })

  it('accepts no socket without send', () => {
    // @ts-expect-error it has no send
    new ConnectionManager<WithoutSend>()
  })

  it('accepts no socket that does not send strings', () => {
    // @ts-expect-error its send wants bytes
    new ConnectionManager<OfBytes>()
  })

  it('accepts no socket whose close requires an argument', () => {
    // @ts-expect-error its close wants a code
    new ConnectionManager<ThatNeedsACode>()
  })

  it('accepts no sockets of another type', () => {
    // @ts-expect-error an EventStream is no ws socket
    new ConnectionManager<WsSocket>().addConnection('c1', new EventStream(), 'alice')
  })

  it('returns sockets by their own type', () => {
    const manager = new ConnectionManager<WsSocket>()

    expectTypeOf(manager.getUserConnections('alice')).toEqualTypeOf<WsSocket[]>()
    expectTypeOf(manager.getConnection('c1')).toEqualTypeOf<Connection<WsSocket> | undefined>()
    expectTypeOf(manager.activeConnections).toEqualTypeOf<ReadonlyMap<string, WsSocket>>()
    expectTypeOf(manager.activeConnections.get('c1')).toEqualTypeOf<WsSocket | undefined>()
    for (const connection of manager.connections()) expectTypeOf(connection.socket).toEqualTypeOf<WsSocket>()
  })
})
