import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { until } from './until.js'

/** @import { ChildProcess } from 'node:child_process' */
/** @import { AddressInfo } from 'node:net' */
/** @import { Broker } from '../server/broker.js' */

/** How each broker is started on a port of 127.0.0.1. Debian has them as `redis-server` and `nats-server`. */
const COMMANDS = {
  redis: (/** @type {number} */ port) => ['redis-server', '--bind', '127.0.0.1', '--port', `${port}`, '--save', ''],
  nats: (/** @type {number} */ port) => ['nats-server', '--addr', '127.0.0.1', '--port', `${port}`],
}
/** Debian has the server of NATS here, and not every PATH does. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`

/** A real broker in a process of its own. */
export class BrokerProcess {
  /** @type {ChildProcess | undefined} */
  #process
  #kind
  #port = 0

  /** @param {Broker['kind']} kind */
  constructor(kind) {
    this.#kind = kind
  }

  /** @returns {Broker} */
  get address() {
    return { kind: this.#kind, url: `${this.#kind}://127.0.0.1:${this.#port}` }
  }

  /** Starts it, always at the same port, and waits until it takes connections. */
  async start() {
    this.#port ||= await freePort()
    const [program, ...args] = COMMANDS[this.#kind](this.#port)
    this.#process = spawn(program, args, { stdio: 'ignore', env: { ...process.env, PATH } })
    await once(this.#process, 'spawn')
    await until(`${program} at its port`, () => canConnect(this.#port))
  }

  async kill() {
    const child = this.#process
    this.#process = undefined
    if (child === undefined) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** @param {number} port @returns {Promise<boolean>} */
function canConnect(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket.destroy() && true))
    socket.once('error', () => resolve(false))
  })
}
