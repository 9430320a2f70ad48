// Servers and their clients, each in a process of its own, that take their turns.
import { fileURLToPath } from 'node:url'
import { PROFILING, Talker } from './lines.js'

const SERVER = fileURLToPath(new URL('./server-process.js', import.meta.url))
const CLIENTS = fileURLToPath(new URL('./client-process.js', import.meta.url))
const LOOK_AGAIN_MS = 5

/**
 * What a connection may have waiting in its socket. Below the soft limit of this library nobody is ever behind, so every contender
 * delivers every message.
 */
const WINDOW_BYTES = 48 * 1_024

/**
 * @typedef {object} Description of a server
 * @property {string} name
 * @property {string} host its module
 * @property {object} [options] of the module
 * @property {string} [program] that runs it, Node by default
 *
 * @typedef {object} Load
 * @property {number} messagesPerTick
 * @property {number} bytes of each message
 * @property {boolean} [isBook] of an order book, which compresses as one; only in a blast
 * @property {number} [mostTicks] of a blast; as many as fit into the sockets by default
 *
 * @typedef {object} BlastResult
 * @property {number} cpuUs of the server, for each delivery
 * @property {number} perSecond deliveries
 */

/** Returns the server of a description, once it listens. */
export function startedServer(/** @type {Description} */ { name, host, options = {}, program = process.execPath }) {
  const flags = program === process.execPath ? PROFILING : []
  return new Talker(`The server of ${name}`, [program, ...flags, SERVER, host, JSON.stringify(options)]).ready()
}

/** A server and its clients. */
export class Site {
  #server
  #clients
  name
  sockets

  /**
   * @param {string} name
   * @param {number} sockets
   * @param {Talker} server
   * @param {Talker} clients
   */
  constructor(name, sockets, server, clients) {
    this.name = name
    this.sockets = sockets
    this.#server = server
    this.#clients = clients
  }

  /** @returns {Promise<Site>} with all clients connected */
  static async open(/** @type {Description} */ description, /** @type {number} */ sockets) {
    const { name } = description
    const server = await startedServer(description)
    const facts = await server.ask('facts')
    const clients = await new Talker(`The clients of ${name}`, [process.execPath, CLIENTS, JSON.stringify(facts), String(sockets)]).ready()
    while ((await server.ask('connections')) < sockets) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    return new Site(name, sockets, server, clients)
  }

  /**
   * Publishes as fast as it can until there were about so many deliveries, each of them counted at its client.
   *
   * @param {Load} load
   * @param {number} deliveries
   * @returns {Promise<BlastResult>}
   */
  async blast({ messagesPerTick, bytes, isBook, mostTicks = Infinity }, deliveries) {
    const ticks = Math.min(mostTicks, Math.max(1, Math.floor(WINDOW_BYTES / (bytes * messagesPerTick))))
    const perBlast = ticks * messagesPerTick * this.sockets
    const blasts = Math.max(1, Math.round(deliveries / perBlast))
    let cpuUs = 0
    let wallUs = 0
    for (let blast = 0; blast < blasts; blast++) {
      const received = this.#clients.ask('receive', { messages: ticks * messagesPerTick })
      const startUs = await this.#server.ask('blast', { ticks, messagesPerTick, bytes, isBook })
      wallUs += (await received) - startUs
      cpuUs += await this.#server.ask('cpu')
    }
    return { cpuUs: cpuUs / (blasts * perBlast), perSecond: (blasts * perBlast * 1e6) / wallUs }
  }

  /**
   * Publishes at a pace that leaves everybody time.
   *
   * @param {Load & { ticks: number, everyMs: number }} load
   * @returns {Promise<{ p50: number, p99: number }>} microseconds from when a message is due to the clients that read
   */
  async pace(load) {
    await this.#clients.ask('time')
    const received = this.#clients.ask('receive', { messages: load.ticks * load.messagesPerTick })
    await this.#server.ask('pace', load)
    await received
    return this.#clients.ask('latency')
  }

  /** Lets the first of the clients read no more, and publishes until the server has nowhere left to write to for them. */
  async stick(/** @type {number} */ stuck, /** @type {Load} */ load) {
    await this.#clients.ask('stick', stuck)
    return this.#fill(load)
  }

  /** Publishes what fills the buffers of those who do not read. */
  async #fill(/** @type {Load} */ load) {
    const STUFFING_BYTES = 12e6
    for (let sent = 0; sent < STUFFING_BYTES; ) {
      const messages = Math.max(1, Math.floor(WINDOW_BYTES / load.bytes))
      const received = this.#clients.ask('receive', { messages })
      await this.#server.ask('blast', { ticks: messages, messagesPerTick: 1, bytes: load.bytes })
      await received
      sent += messages * load.bytes
    }
  }

  /** Returns the bytes of memory that the server holds. */
  memory() {
    return this.#server.ask('memory')
  }

  connectionsBehind() {
    return this.#server.ask('connectionsBehind')
  }

  end() {
    this.#clients.end()
    this.#server.end()
  }
}

/**
 * Opens the sites one after the other, and ends them whatever happens.
 *
 * @template TOutcome
 * @param {readonly Description[]} descriptions
 * @param {number} sockets
 * @param {(sites: Site[]) => Promise<TOutcome>} compare
 */
export function withSites(descriptions, sockets, compare) {
  return whileOpen(descriptions.map((description) => () => Site.open(description, sockets)), compare)
}

/**
 * The same for sites of any kind.
 *
 * @template {{ end(): void }} TSite
 * @template TOutcome
 * @param {readonly (() => Promise<TSite>)[]} openers
 * @param {(sites: TSite[]) => Promise<TOutcome>} compare
 */
export async function whileOpen(openers, compare) {
  /** @type {TSite[]} */
  const sites = []
  try {
    for (const open of openers) sites.push(await open())
    return await compare(sites)
  } finally {
    for (const site of sites) site.end()
  }
}

/**
 * Lets each site have its turn in every round; each round begins with another one.
 *
 * @template {{ name: string }} TSite
 * @template TResult
 * @param {readonly TSite[]} sites
 * @param {number} rounds
 * @param {(site: TSite) => Promise<TResult>} act
 * @returns {Promise<Record<string, TResult[]>>} by name
 */
export async function inRounds(sites, rounds, act) {
  /** @type {Record<string, TResult[]>} */
  const results = Object.fromEntries(sites.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const turn of sites.keys()) {
      const site = sites[(round + turn) % sites.length]
      results[site.name].push(await act(site))
    }
  }
  return results
}
