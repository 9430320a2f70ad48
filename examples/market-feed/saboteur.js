import { isDelivery, isGap } from './notice.js'
import { deliveryText } from './server.js'
import { isPrivateOfAnother } from './stream.js'

/** @import { WebSocket } from 'ws' */
/** @import { Transport } from '../../dist/index.js' */
/** @import { WsFrame } from '../../dist/transports/ws.js' */
/** @import { MisbehaviourKind } from './options.js' */
/** @import { ClientSocket } from './server.js' */
/** @import { TimelineMessage } from './timeline.js' */

/** @typedef {Required<Pick<Transport<WebSocket, WsFrame>, 'frame' | 'write'>>} Writer */

/** Makes the server fail one client, once. */
export class Saboteur {
  #kind
  #userId
  #socket
  #leaked = true
  /** The socket that is failed, once it begins. @type {ClientSocket | undefined} */
  #victim
  /** @type {Corruption} */
  #corruption

  /**
   * @param {MisbehaviourKind} kind
   * @param {string} userId whose client it is
   * @param {() => ClientSocket} socket the client's socket at this moment
   */
  constructor(kind, userId, socket) {
    this.#kind = kind
    this.#userId = userId
    this.#socket = socket
    this.#corruption = new Corruption(kind)
  }

  /** From now on it takes the first occasion. */
  begin() {
    if (this.#kind === 'leak') this.#leaked = false
    else this.#victim = this.#socket()
  }

  /** @param {TimelineMessage} message one that was just published */
  follow(message) {
    if (this.#victim && this.#kind === 'regress') this.#corruption.remember(message)
    if (this.#leaked || !isPrivateOfAnother(message, this.#userId)) return
    this.#leaked = true
    this.#socket().send(deliveryText(message))
  }

  /**
   * A transport that writes as this one does, but to the client that is failed.
   *
   * @template {Transport<WebSocket, WsFrame>} TTransport
   * @param {TTransport} transport
   * @returns {TTransport}
   */
  bribe(transport) {
    const { frame, write } = /** @type {Writer} */ (transport)
    return {
      ...transport,
      write: (/** @type {WebSocket} */ socket, /** @type {readonly WsFrame[]} */ frames) => {
        if (socket !== this.#victim) return write(socket, frames)
        const texts = this.#corruption.of(frames.map(({ text }) => String(text)))
        // The message matters to no frame of a WebSocket.
        write(socket, texts.map((text) => frame(text, /** @type {never} */ (undefined))))
        return frames.length
      },
    }
  }
}

/** What becomes of the texts to one client: at the first occasion, once, something that must not be. */
export class Corruption {
  #kind
  #isDone = false
  /** The text that is held back until the next one has passed. @type {string | undefined} */
  #held
  /** Prices that are over, the first one of each symbol. @type {Map<string | undefined, string>} */
  #olderPrices = new Map()

  /** @param {MisbehaviourKind} kind */
  constructor(kind) {
    this.#kind = kind
  }

  /** @param {TimelineMessage} message */
  remember(message) {
    const { streamType, symbol } = message
    if (streamType === 'PRICE' && !this.#olderPrices.has(symbol)) this.#olderPrices.set(symbol, deliveryText(message))
  }

  /**
   * What is written instead of these texts.
   *
   * @param {readonly string[]} texts
   */
  of(texts) {
    return texts.flatMap((text) => this.#instead(text))
  }

  /**
   * @param {string} text
   * @returns {string[]}
   */
  #instead(text) {
    if (this.#isDone) return [text]
    if (this.#kind === 'hide') return isGap(text) ? this.#done([]) : [text]
    if (!isDelivery(text)) return [text]
    switch (this.#kind) {
      case 'drop': return this.#done([])
      case 'duplicate': return this.#done([text, text])
      case 'swap': return this.#swapped(text)
      case 'regress': return this.#regressed(text)
    }
    return [text]
  }

  /** @param {string} text */
  #swapped(text) {
    const held = this.#held
    if (held === undefined) {
      this.#held = text
      return []
    }
    // Of two that read the same, the later one may as well be the one that waits.
    return held === text ? [text] : this.#done([text, held])
  }

  /** @param {string} text */
  #regressed(text) {
    const { stream_type: streamType, symbol } = JSON.parse(text)
    const older = streamType === 'PRICE' ? this.#olderPrices.get(symbol) : undefined
    return older === undefined || older === text ? [text] : this.#done([text, older])
  }

  /** @param {string[]} texts */
  #done(texts) {
    this.#isDone = true
    return texts
  }
}
