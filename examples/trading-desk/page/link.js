/** @import { ClientState } from '../../../dist/client.js' */
/** @import { DeskClient, DeskUpdate, Greeting } from '../streams.js' */

/**
 * What came of a connection that was lost.
 *
 * @typedef {object} Move
 * @property {string} from the name of the node that the page was on
 * @property {string} to
 * @property {string | undefined} reason why it ended, in the server's word if it had one
 * @property {number} awayMs
 * @property {number} resumed how many streams went on where they were
 * @property {number} replayed how many messages came that were published meanwhile
 * @property {number} gaps of how many symbols trades may be missing
 */

/** The server says something twice a second. Silence for as long as this means that what one sees may be old. */
const STALE_MS = 4_000

/** What the page says of its connection. The client keeps it; this only watches. */
export class Link {
  /** @type {ClientState} */
  state = 'idle'
  /** The node that this page is on. @type {string | undefined} */
  node = undefined
  /** The id of its connection. @type {string | undefined} */
  connection = undefined
  /** The ids of all that it had. @type {Set<string>} */
  connections = new Set()
  /** The latest one. @type {Move | undefined} */
  move = undefined

  #client
  #onChange
  #now
  #heardAt = 0
  #retryAt = 0
  /** @type {number | undefined} */
  #lostAt = undefined
  /** @type {string | undefined} */
  #lostFor = undefined
  /** When this connection began, by the clock of the node. */
  #beganMs = 0

  /**
   * @param {Pick<DeskClient, 'on' | 'request'>} client
   * @param {() => void} onChange
   * @param {() => number} [now] in milliseconds
   */
  constructor(client, onChange, now = () => performance.now()) {
    this.#client = client
    this.#onChange = onChange
    this.#now = now
    client.on('state', ({ state, reason, retryInMs = 0 }) => this.#enter(state, reason, retryInMs))
    client.on('subscribed', ({ streamType, recovered }) => this.#confirmed(streamType, recovered))
  }

  /** For how many whole seconds nothing has come. */
  get secondsSilent() {
    return Math.floor((this.#now() - this.#heardAt) / 1000)
  }

  /** In how many whole seconds it tries again, while it waits. */
  get secondsToWait() {
    return Math.max(0, Math.ceil((this.#retryAt - this.#now()) / 1000))
  }

  get isStale() {
    return this.state === 'connected' && this.#now() - this.#heardAt > STALE_MS
  }

  /** @param {DeskUpdate} update */
  heard(update) {
    this.#heardAt = this.#now()
    const isMissed = update.type === undefined && !update.snapshot && update.timestamp.getTime() < this.#beganMs
    if (this.move && isMissed) this.move = { ...this.move, replayed: this.move.replayed + 1 }
  }

  /**
   * @param {ClientState} state
   * @param {string | undefined} reason
   * @param {number} retryInMs
   */
  #enter(state, reason, retryInMs) {
    if (this.state === 'connected') [this.#lostAt, this.#lostFor] = [this.#now(), reason]
    this.state = state
    this.#retryAt = this.#now() + retryInMs
    this.#heardAt = this.#now()
    if (state === 'connected') void this.#greet()
    this.#onChange()
  }

  /** Asks before the client subscribes to anything, so that the answer comes before whatever is replayed. */
  async #greet() {
    const greeting = await this.#client.request('hello').catch(() => undefined)
    if (greeting === undefined) return
    const { connection, node, atMs } = /** @type {Greeting} */ (greeting)
    if (this.node !== undefined) this.move = { from: this.node, to: node, reason: this.#lostFor, awayMs: this.#now() - (this.#lostAt ?? 0), resumed: 0, replayed: 0, gaps: 0 }
    this.node = node
    this.connection = connection
    this.connections.add(connection)
    this.#beganMs = atMs
    this.#onChange()
  }

  /**
   * @param {string} streamType
   * @param {boolean | null} recovered
   */
  #confirmed(streamType, recovered) {
    if (!this.move || recovered === null) return
    if (recovered) this.move = { ...this.move, resumed: this.move.resumed + 1 }
    // Of prices, the newest comes next. Orders are fetched. Only trades are gone.
    else if (streamType === 'TRADES') this.move = { ...this.move, gaps: this.move.gaps + 1 }
  }
}
