/** An answer to a command. */
const ANSWER = '{"type":"subscribed"'
const WELCOME = '{"type":"welcome"'
const MESSAGE = '{"stream_type"'
const RECOVERED = '"recovered":true'

/**
 * What a client says to a server that takes the commands of the protocol, in one text, and what it hears. A client that comes back with a position
 * has one stream.
 *
 * @implements {Talk}
 *
 * @typedef {'ready' | 'message' | undefined} Heard
 *
 * @typedef {object} Talk
 * @property {() => string | undefined} begin what the client says once the WebSocket is open
 * @property {(text: string, say: (text: string) => void) => Heard} hear `ready` once the client has all of its streams
 */
export class CommandTalk {
  #answers
  #waitsForWelcome
  #symbols
  #openAnswers = 0
  /** The last message, whose number is the client's position. */
  #last = ''

  /**
   * @param {{ answers: 'each' | 'one', hasWelcome?: boolean }} server whether it answers each command or all of them at once
   * @param {readonly string[]} symbols
   */
  constructor({ answers, hasWelcome = false }, symbols) {
    this.#answers = answers === 'each' ? symbols.length : 1
    this.#waitsForWelcome = hasWelcome
    this.#symbols = symbols
  }

  begin() {
    this.#openAnswers = this.#answers
    return this.#waitsForWelcome ? undefined : this.#commands()
  }

  /** @returns {Heard} */
  hear(/** @type {string} */ text, /** @type {(text: string) => void} */ say) {
    if (text.startsWith(MESSAGE)) {
      this.#last = text
      return 'message'
    }
    if (text.startsWith(WELCOME)) return void say(this.#commands())
    if (!text.startsWith(ANSWER) || (this.#hasPosition && !text.includes(RECOVERED))) throw new Error(`The server answers ${text}`)
    return --this.#openAnswers === 0 ? 'ready' : undefined
  }

  get #hasPosition() {
    return this.#last.includes('"epoch":')
  }

  #commands() {
    const position = this.#hasPosition ? positionIn(this.#last) : undefined
    return JSON.stringify(this.#symbols.map((symbol, id) => ({ command: 'subscribe', id, stream_type: 'TRADES', symbol, position })))
  }
}

function positionIn(/** @type {string} */ text) {
  const { epoch, seq } = JSON.parse(text)
  return `${epoch}:${seq}`
}
