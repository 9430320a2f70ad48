/** @import { DeskClient, DeskUpdate } from '../streams.js' */

/** A client of the library that no server is behind: a test says what comes. */
export class FakeClient {
  /** What was asked for. @type {{ command: string, data: any }[]} */
  requests = []
  /** What the server answers to a command. @type {Record<string, unknown>} */
  answers = { hello: { connection: 'c1', node: 'A', atMs: 0 }, orders: [], picks: [], tabs: [] }
  /** @type {Map<string, (update: DeskUpdate) => void>} */
  #listeners = new Map()
  /** @type {Record<string, ((payload: any) => void)[]>} */
  #handlers = { state: [], subscribed: [] }

  /** The streams that somebody listens to, such as `PRICE AAA`. */
  get subscriptions() {
    return [...this.#listeners.keys()]
  }

  /** What a desk takes for a client. @returns {DeskClient} */
  get client() {
    return /** @type {any} */ (this)
  }

  /**
   * @param {{ streamType: string, symbol?: string }} stream
   * @param {(update: DeskUpdate) => void} listener
   */
  subscribe({ streamType, symbol }, listener) {
    const key = keyOf(streamType, symbol)
    this.#listeners.set(key, listener)
    return { unsubscribe: () => this.#listeners.delete(key) }
  }

  /**
   * @param {string} command
   * @param {unknown} data
   */
  async request(command, data) {
    this.requests.push({ command, data })
    const answer = this.answers[command]
    if (answer instanceof Error) throw answer
    return answer
  }

  /**
   * @param {'state' | 'subscribed'} event
   * @param {(payload: any) => void} handler
   */
  on(event, handler) {
    this.#handlers[event].push(handler)
  }

  /**
   * @param {'state' | 'subscribed'} event
   * @param {any} payload
   */
  emit(event, payload) {
    for (const handler of this.#handlers[event]) handler(payload)
  }

  /** Something comes of a stream, if it is subscribed to. @param {any} update */
  tell(update) {
    this.#listeners.get(keyOf(update.streamType, update.type === undefined && OF_USER.has(update.streamType) ? undefined : update.symbol))?.(update)
  }

  /** Lets the answers come. */
  async settle() {
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
}

/** Streams of which a page wants all symbols. */
const OF_USER = new Set(['ORDER_UPDATES'])

/**
 * @param {string} streamType
 * @param {string} [symbol]
 */
function keyOf(streamType, symbol) {
  return symbol === undefined ? streamType : `${streamType} ${symbol}`
}
