// Many nodes in one process. Managers, recoveries, clusters and the memory backplane are the library's own, as built. What is simulated is
// the time, which is a clock that is wound by hand, and the broker's network, which loses nothing and takes no time.
import { PlainSocket } from '../contenders/sockets.js'
import { libraryModule } from '../library.js'
import { SYMBOL_COUNT, symbolOf } from '../market.js'
import { Counter } from './traffic.js'

const { ConnectionManager } = await libraryModule('index')
const { createRecovery } = await libraryModule('recovery')
const { joinCluster } = await libraryModule('cluster')
const { createMemoryBus, memoryBackplane } = await libraryModule('backplanes/memory')
const { ManualClock } = await libraryModule('testing')

const STEP_MS = 250
const STREAM_TYPE = 'TRADES'
const DATA = { price: 64_000.1, size: 0.25, side: 'buy', venue: 'XCHG' }

/** How many channels there are. Each has one node that publishes in it. */
export const CHANNELS = SYMBOL_COUNT

/**
 * Nodes that each want the same number of channels. Every channel is wanted by about as many nodes.
 *
 * @typedef {object} Size
 * @property {number} nodes
 * @property {number} channelsEach
 */
export class SimulatedCluster {
  #clock = new ManualClock()
  #counter = new Counter()
  #nodes
  #size

  /** @private */
  constructor(/** @type {Size} */ size) {
    this.#size = size
    const bus = createMemoryBus()
    this.#nodes = Array.from({ length: size.nodes }, () => new Node(this.#clock, this.#counter.wrapped(memoryBackplane(bus))))
  }

  /** Returns a cluster in which all nodes have just joined, with their subscribers, and the traffic of that. */
  static async joined(/** @type {Size} */ size) {
    const cluster = new SimulatedCluster(size)
    for (const [n, node] of cluster.#nodes.entries()) await node.join(Array.from({ length: size.channelsEach }, (_, i) => symbolOf(n, i)))
    await cluster.#pass(1_000)
    return { cluster, traffic: cluster.#counter.taken() }
  }

  /** Lets each channel have so many messages within a second. */
  async second(/** @type {number} */ messagesEach) {
    for (let i = 0; i < messagesEach; i++) {
      for (let channel = 0; channel < CHANNELS; channel++) this.#nodes[channel % this.#size.nodes].publish(`SYM${channel}`)
      await this.#pass(1_000 / messagesEach)
    }
    return this.#counter.taken()
  }

  /** Lets nothing happen for so long. */
  async quiet(/** @type {number} */ ms) {
    await this.#pass(ms)
    return this.#counter.taken()
  }

  /** Lets the first node want a channel that it did not want, and then not any more. */
  async changeOfInterest() {
    const wanted = new Set(Array.from({ length: this.#size.channelsEach }, (_, i) => symbolOf(0, i)))
    const symbol = Array.from({ length: CHANNELS }, (_, channel) => `SYM${channel}`).find((each) => !wanted.has(each))
    if (symbol === undefined) throw new Error('The first node wants all channels')
    const end = this.#nodes[0].subscribe(symbol)
    await this.#turn()
    const gained = this.#counter.taken()
    end()
    await this.#pass(10_000)
    return { gained, left: this.#counter.taken() }
  }

  /** Lets all nodes lose the broker and find it again, while nobody publishes. */
  async interruption() {
    this.#counter.tell(false)
    await this.#turn()
    this.#counter.tell(true)
    await this.#turn()
    return this.#counter.taken()
  }

  /** Returns how many messages the subscribers of each node have got. */
  deliveries() {
    return this.#nodes.map(({ received }) => received)
  }

  async close() {
    for (const node of this.#nodes) await node.close()
  }

  async #pass(/** @type {number} */ ms) {
    for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
      this.#clock.advance(Math.min(leftMs, STEP_MS))
      await this.#turn()
    }
  }

  /** Deliveries of the bus are microtasks, so all of them are done when a turn of the event loop begins. */
  #turn() {
    return new Promise((resolve) => setImmediate(resolve))
  }
}

/** A server with one client. */
class Node {
  #backplane
  #connection
  #manager
  #recovery
  #socket = new PlainSocket()
  #cluster

  constructor(clock, backplane) {
    this.#backplane = backplane
    this.#recovery = createRecovery()
    this.#manager = new ConnectionManager({ recorder: this.#recovery, clock })
    this.#connection = this.#manager.addConnection('c', this.#socket, 'u')
  }

  get received() {
    return this.#socket.received
  }

  async join(/** @type {readonly string[]} */ symbols) {
    for (const symbol of symbols) this.subscribe(symbol)
    this.#cluster = await joinCluster(this.#manager, this.#recovery, { backplane: this.#backplane, prefix: 'sizing' })
  }

  /** Returns what ends it. */
  subscribe(/** @type {string} */ symbol) {
    const stream = { streamType: STREAM_TYPE, symbol }
    this.#connection.subscribe(stream)
    return () => this.#connection.unsubscribe(stream)
  }

  publish(/** @type {string} */ symbol) {
    this.#manager.publish({ streamType: STREAM_TYPE, symbol, data: DATA })
  }

  close() {
    return this.#cluster.close()
  }
}
