import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket as WsSocket } from 'ws'
import { ConnectionManager, type Connection, type Socket } from '../../../src/index.ts'

/** Written by somebody who has never heard of this library. */
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
  it('takes the sockets of ws as they are', () => {
    const manager = new ConnectionManager<WsSocket>()

    expectTypeOf<WsSocket>().toExtend<Socket>()
    expectTypeOf(manager.addConnection).parameter(1).toEqualTypeOf<WsSocket>()
  })

  it('takes the sockets of the DOM as they are', () => {
    const manager = new ConnectionManager<WebSocket>()

    expectTypeOf<WebSocket>().toExtend<Socket>()
    expectTypeOf(manager.addConnection).parameter(1).toEqualTypeOf<WebSocket>()
  })

  it('takes the data channels of WebRTC as they are', () => {
    expectTypeOf<RTCDataChannel>().toExtend<Socket>()
  })

  it('takes a hand-written class, whose send answers with something and whose close is asynchronous', () => {
    const manager = new ConnectionManager<EventStream>()

    expectTypeOf(manager.addConnection('c1', new EventStream(), 'alice').socket).toEqualTypeOf<EventStream>()
  })

  it('takes an object literal', () => {
    new ConnectionManager().addConnection('c1', { send: async () => {}, close() {} }, 'alice')
  })

  it('takes no socket that cannot be closed', () => {
    // @ts-expect-error it has no close
    new ConnectionManager<WithoutClose>()
    // @ts-expect-error it has no close
    new ConnectionManager().addConnection('c1', new WithoutClose(), 'alice')
  })

  it('takes no socket that cannot send', () => {
    // @ts-expect-error it has no send
    new ConnectionManager<WithoutSend>()
  })

  it('takes no socket that does not send text', () => {
    // @ts-expect-error its send wants bytes
    new ConnectionManager<OfBytes>()
  })

  it('takes no socket that needs more to be closed', () => {
    // @ts-expect-error its close wants a code
    new ConnectionManager<ThatNeedsACode>()
  })

  it('takes no other socket than its own', () => {
    // @ts-expect-error an EventStream is no ws socket
    new ConnectionManager<WsSocket>().addConnection('c1', new EventStream(), 'alice')
  })

  it('gives back the sockets that it was given, by their type', () => {
    const manager = new ConnectionManager<WsSocket>()

    expectTypeOf(manager.getUserConnections('alice')).toEqualTypeOf<WsSocket[]>()
    expectTypeOf(manager.getConnection('c1')).toEqualTypeOf<Connection<WsSocket> | undefined>()
    expectTypeOf(manager.activeConnections).toEqualTypeOf<ReadonlyMap<string, WsSocket>>()
    expectTypeOf(manager.activeConnections.get('c1')).toEqualTypeOf<WsSocket | undefined>()
    for (const connection of manager.connections()) expectTypeOf(connection.socket).toEqualTypeOf<WsSocket>()
  })
})
