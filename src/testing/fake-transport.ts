import type { Transport } from '../ports/transport.ts'
import type { FakeSocket } from './fake-socket.ts'

type FakeHooks = { readonly [THook in keyof Transport<FakeSocket>]: Transport<FakeSocket>[THook] | undefined }

/**
 * Returns a transport for `FakeSocket`. While a socket has room, it gets the messages of a turn of the event loop in one `write`, at the end of the
 * turn or when a test calls `connection.flush()`. If the messages of a turn are longer than `softLimitBytes`, there may be several writes. The
 * transport also reads `bufferedAmount`, reports drains and can terminate sockets.
 *
 * Pass a hook to add it, or to replace the default hook of the same name. Pass `undefined` to remove a default hook.
 *
 * @example
 * import { FakeSocket, fakeTransport } from 'stream-connection-manager/testing'
 *
 * const socket = new FakeSocket()
 * const manager = new ConnectionManager({ transport: fakeTransport() })
 * const connection = manager.addConnection('c1', socket, 'alice')
 *
 * connection.subscribe({ streamType: 'TRADES', symbol: 'BTCUSDT' })
 * for (const data of [1, 2, 3]) manager.publish({ streamType: 'TRADES', symbol: 'BTCUSDT', data })
 * connection.flush()
 * console.log(socket.writes.length, socket.received) // 1 [ 1, 2, 3 ]
 */
export function fakeTransport(hooks: FakeHooks = {}): Transport<FakeSocket> {
  const transport: FakeHooks = {
    write: (socket, texts) => socket.write(texts),
    bufferedBytes: ({ bufferedAmount }) => bufferedAmount as number,
    onDrain: (socket, listener) => socket.onDrain(listener),
    terminate: (socket) => socket.terminate(),
    ...hooks,
  }
  return transport as Transport<FakeSocket>
}
