import workers from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { serveCalls } from './calls.js'

/** @import { Worker } from 'node:cluster' */
/** @import { AddressInfo } from 'node:net' */
/** @import { MemoryBus } from '../../../dist/backplanes/memory.js' */
/** @import { Setup } from '../page/setup.js' */
/** @import { Broker } from './broker.js' */
/** @import { Port } from './calls.js' */
/** @import { Ending, Exchange } from './exchange.js' */

/** @typedef {{ setup: Setup, broker: Broker | undefined, prefix: string }} DeskOrders what all nodes of a desk have in common */
/** @typedef {DeskOrders & { name: string, port: number }} NodeOrders */

/** A node that ended is started again after this. */
const RESTART_MS = 5_000
const SIGNALS = /** @type {const} */ ({ stop: 'SIGTERM', kill: 'SIGKILL' })

/** The nodes, each in a process of its own. They share one port: whoever connects gets to one of those that are up. */
export class Nodes {
  #bus
  #exchange
  #orders
  #port = 0
  /** By name, in the order of the names; `undefined` while it is down. @type {Map<string, Worker | undefined>} */
  #workers = new Map()
  /** All that run, those included that do not listen yet. @type {Set<Worker>} */
  #running = new Set()
  #isClosing = false

  /** @param {{ bus: MemoryBus, exchange: Exchange, orders: DeskOrders }} parts */
  constructor({ bus, exchange, orders }) {
    this.#bus = bus
    this.#exchange = exchange
    this.#orders = orders
    workers.setupPrimary({ exec: fileURLToPath(new URL('node-process.js', import.meta.url)), args: [], execArgv: [] })
  }

  /**
   * Starts the nodes, and answers at which port they listen.
   *
   * @param {number} count
   * @param {number} port any that is free, where it is 0
   */
  async open(count, port) {
    this.#port = await freePort(port)
    const names = [...'ABCD'].slice(0, count)
    for (const name of names) this.#workers.set(name, undefined)
    await Promise.all(names.map((name) => this.#start(name)))
    return this.#port
  }

  /**
   * @param {string} name
   * @param {Ending} ending
   */
  end(name, ending) {
    this.#workers.get(name)?.process.kill(SIGNALS[ending])
  }

  async close() {
    this.#isClosing = true
    await Promise.all([...this.#running].map((worker) => {
      worker.process.kill('SIGTERM')
      return once(worker, 'exit')
    }))
  }

  /** @param {string} name */
  async #start(name) {
    if (this.#isClosing) return
    /** @type {NodeOrders} */
    const orders = { ...this.#orders, name, port: this.#port }
    const worker = workers.fork({ DESK_NODE: JSON.stringify(orders) })
    this.#bus.attach(worker)
    serveCalls(/** @type {Port} */ (worker), this.#exchange)
    this.#running.add(worker)
    worker.once('exit', () => this.#ended(name, worker))
    await Promise.race([once(worker, 'listening'), once(worker, 'exit')])
    if (worker.isDead()) return
    this.#workers.set(name, worker)
    this.#tell()
  }

  /**
   * @param {string} name
   * @param {Worker} worker
   */
  #ended(name, worker) {
    this.#running.delete(worker)
    this.#workers.set(name, undefined)
    if (this.#isClosing) return
    this.#tell()
    setTimeout(() => this.#start(name), RESTART_MS).unref()
  }

  #tell() {
    this.#exchange.nodesChanged([...this.#workers].map(([name, worker]) => ({ name, isUp: worker !== undefined })))
  }
}

/**
 * Throws, as a server would, if the port is taken.
 *
 * @param {number} port
 */
async function freePort(port) {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = /** @type {AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return free
}
