// A server whose clients come and go.
import { fileURLToPath } from 'node:url'
import { startedServer } from './contest.js'
import { Talker } from './lines.js'

const VISITORS = fileURLToPath(new URL('./visitor-process.js', import.meta.url))

/** So many of them come at a time. */
const AT_A_TIME = 100

/** The bytes of each message. */
const BYTES = 200

export class VisitedSite {
  #server
  #visitors
  #clients
  name

  /**
   * @param {string} name
   * @param {number} clients
   * @param {Talker} server
   * @param {Talker} visitors
   */
  constructor(name, clients, server, visitors) {
    this.name = name
    this.#clients = clients
    this.#server = server
    this.#visitors = visitors
  }

  /**
   * @param {import('./contest.js').Description} description
   * @param {{ clients: number, streams: number }} crowd how many clients there are, and how many streams each of them subscribes to
   * @returns {Promise<VisitedSite>} with nobody connected
   */
  static async open(description, { clients, streams }) {
    const { name } = description
    const server = await startedServer(description)
    const facts = await server.ask('facts')
    const visitors = await new Talker(`The clients of ${name}`, [process.execPath, VISITORS, JSON.stringify(facts), clients, streams].map(String)).ready()
    return new VisitedSite(name, clients, server, visitors)
  }

  /**
   * Lets each client connect, subscribe, get one message, and go. The server must not recover anybody: clients miss the messages for others.
   *
   * @returns {Promise<number>} microseconds of the server's CPU for each client
   */
  reconnect() {
    return this.#cpuOf(() => this.#inGroups(async (group) => {
      await this.#visitors.ask('come', { ...group, messages: 0 })
      await this.#publishOne()
      await this.#leave()
    }))
  }

  /** Lets all clients connect and subscribe, publishes one message to them, so that each has a position, and lets them go. */
  async meet() {
    await this.#inGroups((group) => this.#visitors.ask('come', { ...group, messages: 0 }))
    await this.#publishOne()
    await this.#leave()
  }

  /**
   * Publishes some messages while nobody is there. Then lets each client come back, get all of them, and go.
   *
   * @param {number} missed
   * @returns {Promise<number>} microseconds of the server's CPU for each client, without the publishing
   */
  async resume(missed) {
    await this.#server.ask('publish', { messages: missed, bytes: BYTES })
    return this.#cpuOf(() => this.#inGroups(async (group) => {
      await this.#visitors.ask('come', { ...group, messages: missed })
      await this.#leave()
    }))
  }

  async #cpuOf(/** @type {() => Promise<void>} */ act) {
    await this.#server.ask('begin')
    await act()
    return (await this.#server.ask('cpu')) / this.#clients
  }

  async #inGroups(/** @type {(group: { from: number, count: number }) => Promise<void>} */ act) {
    for (let from = 0; from < this.#clients; from += AT_A_TIME) await act({ from, count: AT_A_TIME })
  }

  async #publishOne() {
    await Promise.all([this.#visitors.ask('receive', { messages: 1 }), this.#server.ask('publish', { messages: 1, bytes: BYTES })])
  }

  async #leave() {
    await this.#visitors.ask('leave')
    await this.#server.ask('allGone')
  }

  end() {
    this.#visitors.end()
    this.#server.end()
  }
}
