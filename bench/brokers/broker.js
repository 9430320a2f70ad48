// A real broker in a process of its own, on a free port of 127.0.0.1.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/** @typedef {{ program: string, argumentsFor: (port: number) => readonly string[] }} BrokerCommand */

/** @type {Readonly<Record<string, BrokerCommand>>} */
export const BROKERS = {
  redis: {
    program: 'redis-server',
    argumentsFor: (port) => ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--daemonize', 'no'],
  },
  nats: { program: 'nats-server', argumentsFor: (port) => ['--addr', '127.0.0.1', '--port', String(port)] },
}

/** Debian has the server of NATS here, and not every PATH does. */
const PATH = `${process.env.PATH}:/usr/sbin`
const LOOK_AGAIN_MS = 5

/** A broker that runs. */
export class Broker {
  #process
  port

  /**
   * @param {import('node:child_process').ChildProcess} process
   * @param {number} port
   */
  constructor(process, port) {
    this.#process = process
    this.port = port
  }

  /** Returns the microseconds of CPU that it has taken so far. `undefined` where they cannot be read: outside of Linux. */
  get cpuUs() {
    const tasks = `/proc/${this.#process.pid}/task`
    try {
      return readdirSync(tasks).reduce((total, task) => total + Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]) / 1_000, 0)
    } catch {
      return undefined
    }
  }

  /** Returns the bytes of memory that it holds. `undefined` where they cannot be read. */
  get memoryBytes() {
    try {
      const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')) ?? []
      return Number(kilobytes) * 1_024
    } catch {
      return undefined
    }
  }

  async stop() {
    const exit = once(this.#process, 'exit')
    if (this.#process.exitCode === null && this.#process.kill()) await exit
  }
}

/** @returns {Promise<Broker | undefined>} nothing if the program is not installed */
export async function startedBroker(/** @type {BrokerCommand} */ { program, argumentsFor }) {
  const port = await freePort()
  const child = spawn(program, argumentsFor(port), { stdio: 'ignore', env: { ...process.env, PATH } })
  try {
    await once(child, 'spawn')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
  // It ends with this process, however this process ends.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
  return new Broker(child, port)
}

async function accepts(/** @type {number} */ port) {
  const socket = connect(port, '127.0.0.1')
  const isAccepted = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
  socket.destroy()
  return isAccepted
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}
