import { isPrivateOfAnother } from './misbehaviour.js'
import { isDelivery } from './notice.js'
import { deliveryText } from './server.js'

/** @import { WebSocket } from 'ws' */
/** @import { MisbehaviourKind } from './options.js' */
/** @import { TimelineMessage } from './timeline.js' */

/** Makes the server fail one client, once. */
export class Saboteur {
  #kind
  #userId
  #socket
  #leaked = true

  /**
   * @param {MisbehaviourKind} kind
   * @param {string} userId whose client it is
   * @param {() => WebSocket} socket the client's socket at this moment
   */
  constructor(kind, userId, socket) {
    this.#kind = kind
    this.#userId = userId
    this.#socket = socket
  }

  /** From now on it takes the first occasion. */
  begin() {
    if (this.#kind === 'leak') this.#leaked = false
    else corrupt(this.#kind, this.#socket())
  }

  /** @param {TimelineMessage} message one that was just published */
  follow(message) {
    if (this.#leaked || !isPrivateOfAnother(message, this.#userId)) return
    this.#leaked = true
    this.#socket().send(deliveryText(message))
  }
}

/**
 * Drops one delivery, makes one twice, or lets two change places, by taking over the `send` of one socket.
 *
 * @param {'drop' | 'duplicate' | 'swap'} kind
 * @param {Pick<WebSocket, 'send'>} socket
 */
export function corrupt(kind, socket) {
  const send = socket.send.bind(socket)
  const restore = () => socket.send = send
  /** @type {string | undefined} */
  let held
  const ways = {
    drop: restore,
    duplicate(/** @type {string} */ text) {
      restore()
      send(text)
      send(text)
    },
    swap(/** @type {string} */ text) {
      if (held === undefined) return void (held = text)
      send(text)
      // Of two that read the same, the later one may as well be the one that waits.
      if (text === held) return
      restore()
      send(held)
    },
  }
  socket.send = (/** @type {string} */ text) => isDelivery(text) ? ways[kind](text) : send(text)
}
