const [OPEN, CONNECT, MESSAGE, ACK] = ['0', '40', '42', '430']

/**
 * The same for socket.io: Engine.IO opens, Socket.IO connects, and one event asks for all rooms. A client whose state the server recovered has its
 * rooms, and asks for nothing.
 *
 * @implements {import('./command-talk.js').Talk}
 */
export class SocketIoTalk {
  #recovers
  #symbols
  /** The server's name for the client, and the secret that the client comes back with. @type {{ sid?: string, pid?: string }} */
  #session = {}
  /** The last message, which ends with the client's offset. */
  #last = ''

  /**
   * @param {{ recovers?: boolean }} server whether it recovers the state of a connection
   * @param {readonly string[]} symbols
   */
  constructor({ recovers = false }, symbols) {
    this.#recovers = recovers
    this.#symbols = symbols
  }

  begin() {
    return undefined
  }

  /** @returns {import('./command-talk.js').Heard} */
  hear(/** @type {string} */ text, /** @type {(text: string) => void} */ say) {
    if (text.startsWith(MESSAGE)) {
      this.#last = text
      return 'message'
    }
    if (text.startsWith(OPEN)) return void say(`${CONNECT}${this.#credentials()}`)
    if (text.startsWith(ACK)) return 'ready'
    if (!text.startsWith(CONNECT)) throw new Error(`The server answers ${text}`)
    return this.#connected(JSON.parse(text.slice(CONNECT.length)), say)
  }

  /** @returns {import('./command-talk.js').Heard} */
  #connected(/** @type {{ sid: string, pid?: string }} */ session, /** @type {(text: string) => void} */ say) {
    const { sid } = this.#session
    this.#session = session
    if (!this.#recovers || sid === undefined) return void say(`420${JSON.stringify(['subscribe', this.#symbols])}`)
    if (session.sid !== sid) throw new Error('The server did not recover the state of a connection')
    return 'ready'
  }

  #credentials() {
    const { pid } = this.#session
    if (!this.#recovers || pid === undefined) return ''
    return JSON.stringify({ pid, offset: JSON.parse(this.#last.slice(MESSAGE.length)).at(-1) })
  }
}
