// The limit: what a server does that has its sockets in an array, and asks nothing.

/** What the bare loop lets a socket have buffered, where it can be read. */
export const LIMIT_BYTES = 65_536

/** Sends a text that is at hand, so many times. */
export function bareLoop(/** @type {readonly import('./sockets.js').CountingSocket[]} */ sockets, /** @type {string} */ text) {
  return (/** @type {number} */ times) => {
    for (let i = 0; i < times; i++) for (const socket of sockets) socket.send(text)
  }
}

/** The same, reading each socket's pressure. */
export function meteredLoop(/** @type {readonly import('./sockets.js').MeteredSocket[]} */ sockets, /** @type {string} */ text) {
  return (/** @type {number} */ times) => {
    for (let i = 0; i < times; i++) for (const socket of sockets) if (socket.bufferedAmount <= LIMIT_BYTES) socket.send(text)
  }
}

/** Makes the text anew each time, once for all. */
export function stringifyingLoop(/** @type {readonly import('./sockets.js').CountingSocket[]} */ sockets, /** @type {() => string} */ stringified) {
  return (/** @type {number} */ times) => {
    for (let i = 0; i < times; i++) {
      const text = stringified()
      for (const socket of sockets) socket.send(text)
    }
  }
}
