// Sockets that do nothing but count, so that what is measured is the way to them.

/** @typedef {{ received: number, send(text: string): void, close(): void }} CountingSocket */

/** One of which nothing is known. */
export class PlainSocket {
  received = 0

  send(/** @type {string} */ text) {
    // The counter stays a small integer: one that outgrows that has the engine compile everything anew in the middle of a round.
    this.received = (this.received + (text.length > 0 ? 1 : 0)) & 0xfffffff
  }

  close() {}
}

/** One whose pressure can be read. */
export class MeteredSocket extends PlainSocket {
  buffered = 0

  get bufferedAmount() {
    return this.buffered
  }
}

/** Returns so many classes that behave the same, as the sockets of a server with several hosts. */
export function socketClasses(/** @type {number} */ count, isMetered = false) {
  if (count === 1) return [isMetered ? MeteredSocket : PlainSocket]
  return Array.from({ length: count }, (_, i) => otherClass(i, isMetered))
}

/** Another class, by a field of its own at the front. */
function otherClass(/** @type {number} */ i, /** @type {boolean} */ isMetered) {
  class OtherSocket {
    [`own${i}`] = i
    received = 0
    buffered = 0

    send(/** @type {string} */ text) {
      this.received = (this.received + (text.length > 0 ? 1 : 0)) & 0xfffffff
    }

    close() {}
  }
  if (isMetered) Object.defineProperty(OtherSocket.prototype, 'bufferedAmount', { get() { return this.buffered } })
  return OtherSocket
}

/**
 * Does something, and sees that it brought each socket so many messages more.
 *
 * @template TResult
 * @param {string} name of whom to blame
 * @param {readonly CountingSocket[]} sockets
 * @param {number} expected
 * @param {() => TResult} act
 * @returns {TResult}
 */
export function counted(name, sockets, expected, act) {
  for (const socket of sockets) socket.received = 0
  const result = act()
  assertEachReceived(name, sockets, expected)
  return result
}

/** Throws where a socket has not got exactly so many messages since its counter was reset. */
export function assertEachReceived(/** @type {string} */ name, /** @type {readonly CountingSocket[]} */ sockets, /** @type {number} */ expected) {
  const wrong = sockets.find(({ received }) => received !== (expected & 0xfffffff))
  if (wrong !== undefined) throw new Error(`${name}: a socket got ${wrong.received} messages instead of ${expected}`)
}
