import { once } from 'node:events'
import { WebSocket } from 'ws'
import { commandText } from './command.js'
import { isDelivery } from './notice.js'

/** @import { Command } from './command.js' */
/** @import { Notice } from './notice.js' */

/**
 * @typedef {object} Hooks
 * @property {(text: string) => number | string} recognise
 * @property {() => void} onDelivery
 * @property {(cue: number) => void} onCue
 * @property {() => void} onOver the server closed it, as the play was over
 * @property {(reason: string) => void} onTrouble
 */

const HANDSHAKE_TIMEOUT_MS = 20_000

/** One real WebSocket, and a record of what came over it. */
export class ClientConnection {
  id = ''
  acceptedAt = 0
  /** Where it ended, as far as it is known. */
  endedAt = Infinity
  /** It was ended abruptly, by this side. */
  cut = false
  /** @type {(number | string)[]} */
  received = []
  #socket
  #hooks
  /** Those who wait for an answer: the server answers in order. @type {((notice: Notice) => void)[]} */
  #waiting = []
  #playIsOver = false

  /**
   * @param {string} url
   * @param {Hooks} hooks
   */
  constructor(url, hooks) {
    this.#hooks = hooks
    this.#socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: HANDSHAKE_TIMEOUT_MS })
    this.#socket.on('message', (data) => this.#take(data.toString()))
    this.#socket.on('error', (error) => hooks.onTrouble(`cannot talk to the server: ${error.message}`))
    this.#socket.on('close', (code, reason) => this.#closed(`${code} ${reason}`))
  }

  /** The server's welcome, which is the first thing that it writes. */
  async welcomed() {
    const { connection = '', position, replaced } = await this.#answer()
    this.id = connection
    this.acceptedAt = position
    return { replaced }
  }

  /**
   * Sends a command, or a text that is none, and answers what the server answers.
   *
   * @param {Command | string} command
   */
  ask(command) {
    const answer = this.#answer()
    this.tell(command)
    return answer
  }

  /** @param {Command | string} command */
  tell(command) {
    this.#socket.send(typeof command === 'string' ? command : commandText(command))
  }

  /** Takes leave of the server, which closes it. */
  async leave() {
    const closed = once(this.#socket, 'close')
    await this.ask({ type: 'leave' })
    await closed
  }

  /** Ends it as a lost network would: without a word. */
  terminate() {
    this.cut = true
    this.#socket.terminate()
  }

  /** @returns {Promise<Notice>} */
  #answer() {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @param {string} text */
  #take(text) {
    if (!isDelivery(text)) return this.#heed(JSON.parse(text))
    this.received.push(this.#hooks.recognise(text))
    this.#hooks.onDelivery()
  }

  /** @param {Notice} notice */
  #heed(notice) {
    switch (notice.type) {
      case 'cue': return this.#hooks.onCue(Number(notice.cue))
      case 'end': return this.#end(notice)
      case 'left': this.endedAt = notice.position
    }
    this.#waiting.shift()?.(notice)
  }

  /** @param {Notice} notice */
  #end({ position }) {
    this.endedAt = position
    this.#playIsOver = true
  }

  /** @param {string} reason */
  #closed(reason) {
    if (this.#playIsOver) this.#hooks.onOver()
    else if (this.endedAt === Infinity && !this.cut) this.#hooks.onTrouble(`was closed by the server: ${reason}`)
  }
}
