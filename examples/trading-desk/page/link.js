import { backoffMs } from './backoff.js'

/** @import { Command } from '../server/command.js' */

/**
 * @typedef {'connecting' | 'connected' | 'waiting'} Phase
 *
 * @typedef {object} LinkHooks
 * @property {() => string} url where to connect, asked anew for each attempt
 * @property {(text: string) => void} onText
 * @property {() => void} onChange its phase, or whether it is stale, may be another
 * @property {typeof WebSocket} [WebSocket]
 * @property {() => number} [now] in milliseconds
 * @property {() => number} [chance]
 */

/** The server says something twice a second. Silence for as long as this means that what one sees may be old. */
const STALE_MS = 4_000
/** After this it is taken for dead. */
const DEAD_MS = 15_000
const LOOK_MS = 1_000
const OPEN = 1

/** The way to the server: it connects, and when it is cut it connects again, later each time that this fails. */
export class Link {
  /** @type {Phase} */
  phase = 'waiting'
  isStale = false

  #hooks
  #now
  #chance
  #WebSocket
  /** @type {WebSocket | undefined} */
  #socket = undefined
  #failures = 0
  #heardAt = 0
  #retryAt = 0
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry = undefined
  #look

  /** @param {LinkHooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? (() => performance.now())
    this.#chance = hooks.chance ?? Math.random
    this.#WebSocket = hooks.WebSocket ?? WebSocket
    this.#look = setInterval(() => this.#lookAround(), LOOK_MS)
  }

  /** In how many whole seconds it tries again, while it waits. */
  get secondsToWait() {
    return Math.max(0, Math.ceil((this.#retryAt - this.#now()) / 1000))
  }

  /** For how many whole seconds nothing has come. */
  get secondsSilent() {
    return Math.floor((this.#now() - this.#heardAt) / 1000)
  }

  /** Connects at once, unless it is connected, or about to be. */
  connect() {
    if (this.phase !== 'waiting') return
    clearTimeout(this.#retry)
    this.#heardAt = this.#now()
    this.#enter('connecting')
    const socket = new this.#WebSocket(this.#hooks.url())
    this.#socket = socket
    socket.onmessage = ({ data }) => this.#hear(data)
    socket.onclose = () => this.#lost()
  }

  /**
   * Sends a command, if there is somebody to hear it.
   *
   * @param {Command} command
   */
  send(command) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(command))
  }

  /** Ends it for good. */
  end() {
    clearInterval(this.#look)
    clearTimeout(this.#retry)
    this.#letGo()
  }

  /** @param {string} text */
  #hear(text) {
    this.#heardAt = this.#now()
    this.#failures = 0
    if (this.phase !== 'connected' || this.isStale) this.#enter('connected')
    this.#hooks.onText(text)
  }

  #lost() {
    this.#letGo()
    this.#failures++
    const waitMs = backoffMs(this.#failures, this.#chance())
    this.#retryAt = this.#now() + waitMs
    this.#retry = setTimeout(() => this.connect(), waitMs)
    this.#enter('waiting')
  }

  /** Waits for no close event: of a peer that vanished it may take minutes. */
  #letGo() {
    if (!this.#socket) return
    this.#socket.onmessage = null
    this.#socket.onclose = null
    this.#socket.close()
    this.#socket = undefined
  }

  #lookAround() {
    const silentMs = this.#now() - this.#heardAt
    if (this.phase !== 'waiting' && silentMs > DEAD_MS) return this.#lost()
    this.isStale = this.phase === 'connected' && silentMs > STALE_MS
    this.#hooks.onChange()
  }

  /** @param {Phase} phase */
  #enter(phase) {
    this.phase = phase
    this.isStale = false
    this.#hooks.onChange()
  }
}
