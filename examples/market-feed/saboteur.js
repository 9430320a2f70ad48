import { isDelivery, isGap, parseNotice } from './notice.js'
import { deliveryText } from './server.js'
import { unstamped } from './stamp.js'
import { isPrivateOfAnother } from './stream.js'

/** @import { WebSocket } from 'ws' */
/** @import { Transport } from '../../dist/index.js' */
/** @import { WsFrame } from '../../dist/transports/ws.js' */
/** @import { MisbehaviourKind } from './options.js' */
/** @import { ClientSocket } from './server.js' */
/** @import { TimelineMessage } from './timeline.js' */

/** @typedef {Required<Pick<Transport<WebSocket, WsFrame>, 'frame' | 'write'>>} Writer */

/**
 * @typedef {object} Victim the client that is failed
 * @property {string} userId
 * @property {() => ClientSocket} socket its socket at this moment
 * @property {(socket: ClientSocket) => boolean} has whether a socket is its own at this moment
 */

/** Makes the server fail one client, once. */
export class Saboteur {
  #kind
  #victim
  #hasBegun = false
  #leaked = true
  /** @type {Corruption} */
  #corruption

  /**
   * @param {MisbehaviourKind} kind
   * @param {Victim} victim
   */
  constructor(kind, victim) {
    this.#kind = kind
    this.#victim = victim
    this.#corruption = new Corruption(kind)
  }

  /** From now on it takes the first occasion. */
  begin() {
    if (this.#kind === 'leak') this.#leaked = false
    else this.#hasBegun = true
  }

  /** @param {TimelineMessage} message one that was just published */
  follow(message) {
    if (this.#hasBegun && this.#kind === 'regress') this.#corruption.remember(message)
    if (this.#leaked || !isPrivateOfAnother(message, this.#victim.userId)) return
    this.#leaked = true
    this.#victim.socket().send(deliveryText(message))
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
        if (!this.#hasBegun || !this.#victim.has(socket)) return write(socket, frames)
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
  /** What comes now is sent again. */
  #isReplay = false

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
    if (!isDelivery(text)) return this.#passed(text)
    switch (this.#kind) {
      case 'drop': return this.#done([])
      case 'duplicate': return this.#done([text, text])
      case 'swap': return this.#swapped(text)
      case 'regress': return this.#regressed(text)
      case 'skip': return this.#skipped(text)
    }
    return [text]
  }

  /** @param {string} text no message */
  #passed(text) {
    const said = parseNotice(text)
    this.#isReplay = 'answer' in said && said.answer.recovered === true
    return [text]
  }

  /**
   * A price may be left out, if a newer one comes.
   *
   * @param {string} text
   */
  #skipped(text) {
    return this.#isReplay && JSON.parse(text).stream_type !== 'PRICE' ? this.#done([]) : [text]
  }

  /** @param {string} text */
  #swapped(text) {
    const held = this.#held
    if (held === undefined) {
      this.#held = text
      return []
    }
    // Of two that read the same, the later one may as well be the one that waits.
    return unstamped(held) === unstamped(text) ? [text] : this.#done([text, held])
  }

  /** @param {string} text */
  #regressed(text) {
    const { stream_type: streamType, symbol } = JSON.parse(text)
    const older = streamType === 'PRICE' ? this.#olderPrices.get(symbol) : undefined
    return older === undefined || older === unstamped(text) ? [text] : this.#done([text, older])
  }

  /** @param {string[]} texts */
  #done(texts) {
    this.#isDone = true
    return texts
  }
}
