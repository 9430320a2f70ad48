import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { end, own } from '../../support/children.ts'

/** How to start a broker on a port of 127.0.0.1. */
export interface BrokerCommand {
  readonly program: string
  readonly argumentsFor: (port: number) => readonly string[]
  /** The package of Debian that has the program. */
  readonly debianPackage: string
}

export const redisServer: BrokerCommand = {
  program: 'redis-server',
  argumentsFor: (port) => ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--daemonize', 'no'],
  debianPackage: 'redis-server',
}

export const natsServer: BrokerCommand = {
  program: 'nats-server',
  argumentsFor: (port) => ['--addr', '127.0.0.1', '--port', String(port)],
  debianPackage: 'nats-server',
}

/** Debian has the server of NATS here, and not every PATH does. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`

/** A real broker in a process of its own, which is killed and started again by its id. */
export class BrokerProcess {
  readonly port: number
  readonly #command: BrokerCommand
  #process: ChildProcess | undefined

  private constructor(command: BrokerCommand, port: number) {
    this.#command = command
    this.port = port
  }

  /** Starts a broker on a free port. */
  static async start(command: BrokerCommand): Promise<BrokerProcess> {
    const broker = new BrokerProcess(command, await freePort())
    await broker.restart()
    return broker
  }

  async restart(): Promise<void> {
    const { program, argumentsFor, debianPackage } = this.#command
    const child = spawn(program, argumentsFor(this.port), { stdio: 'ignore', env: { ...process.env, PATH } })
    child.once('error', (error) => console.error(`${program} does not start: ${error.message}. Install Debian's ${debianPackage}.`))
    await once(child, 'spawn')
    this.#process = own(child)
    await this.#accepts()
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Has it end by itself, as a deploy does. */
  terminate(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** Resolves when the process does nothing any more. */
  async freeze(): Promise<void> {
    this.#process?.kill('SIGSTOP')
    await until(() => this.#state() === 'T')
  }

  async thaw(): Promise<void> {
    this.#process?.kill('SIGCONT')
    await until(() => this.#state() !== 'T')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child !== undefined) await end(child, signal)
  }

  /** The letter of Linux for the state of the process. */
  #state(): string | undefined {
    const stat = readFileSync(`/proc/${this.#process?.pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0]
  }

  #accepts(): Promise<void> {
    return until(async () => {
      if (this.#process?.exitCode !== null) throw new Error(`${this.#command.program} has ended`)
      return accepts(this.port)
    })
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isAccepted = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
  socket.destroy()
  return isAccepted
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
