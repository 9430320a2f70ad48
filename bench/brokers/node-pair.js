// Two nodes, each in a process of its own. What one publishes goes over the broker to a client on the other.
import { fileURLToPath } from 'node:url'
import { Talker } from '../wire/lines.js'

const NODE = fileURLToPath(new URL('./node-process.js', import.meta.url))

/**
 * @typedef {object} PairDescription
 * @property {string} name
 * @property {'cluster' | 'socket.io'} kind
 * @property {string} client of the broker
 * @property {number} port of the broker
 */

export class NodePair {
  name
  #publisher
  #receiver

  /**
   * @param {string} name
   * @param {Talker} publisher
   * @param {Talker} receiver
   */
  constructor(name, publisher, receiver) {
    this.name = name
    this.#publisher = publisher
    this.#receiver = receiver
  }

  /** @returns {Promise<NodePair>} whose receiver has its client */
  static async open(/** @type {PairDescription} */ { name, kind, client, port }) {
    const command = [process.execPath, NODE, kind, client, String(port)]
    const [publisher, receiver] = ['publisher', 'receiver'].map((role) => new Talker(`The ${role} of ${name}`, command))
    await Promise.all([publisher.ready(), receiver.ready()])
    await receiver.ask('join')
    return new NodePair(name, publisher, receiver)
  }

  /**
   * Publishes one message at a time, and sees that each of them arrives once.
   *
   * @param {{ messages: number, everyMs: number }} load
   * @returns {Promise<{ p50: number, p99: number }>} microseconds from the publish to the client on the other node
   */
  async pace(load) {
    await this.#publisher.ask('pace', load)
    return this.#receiver.ask('latency', load)
  }

  end() {
    this.#publisher.end()
    this.#receiver.end()
  }
}
