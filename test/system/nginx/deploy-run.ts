import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryBus } from '../../../src/backplanes/memory/index.ts'
import type { DrainReport } from '../../../src/operations/index.ts'
import type { AuditReport } from '../../../src/testing/index.ts'
import { ChildProgram } from '../chaos/child-program.ts'
import { Judge } from './judge.ts'
import type { Entry, FromClients, Persona, ToClients } from './messages.ts'
import { Nginx } from './nginx.ts'
import { buildPrograms, type Programs } from './programs.ts'
import { Server } from './server.ts'
import { until } from './until.ts'

export interface DeployOptions {
  readonly clients: number
  /** How often a trade and an order are published. */
  readonly everyMs: number
  /** How long the drain may take. */
  readonly overMs: number
  /** How many clients leave in each second. The default of `drain` if it is absent. */
  readonly perSecond?: number | undefined
  /** How long the old server stays in the cluster, from the begin of its drain. */
  readonly stayMs: number
  /** False: the servers share no cluster. Then the new one does not have what clients missed. */
  readonly isClustered: boolean
}

/** What came of a deploy. */
export interface DeployResult {
  readonly audit: AuditReport
  readonly drained: DrainReport
  readonly counts: Judge['counts']
  readonly refusals: Judge['refusals']
  readonly ends: ReadonlyMap<string, number>
  readonly failures: ReadonlyMap<string, number>
  readonly absencesMs: readonly number[]
  readonly returnsMs: readonly number[]
  /** How long it took from the begin of the drain until every client was back. */
  readonly backMs: number
  /** Clients that are connected at the end, and have an answer for each of their streams. */
  readonly settled: number
  readonly unhandled: readonly string[]
}

/** A server that publishes, with its name in the audit. */
interface Publisher {
  readonly name: string
  readonly server: Server
}

const CLIENT_PROCESSES = 2
const CLIENTS_A_USER = 10
const SYMBOLS = ['A', 'B', 'C', 'D']
/** So often, messages are published before each step of a deploy, and after the last one. */
const PEACE = 10

/** A deploy behind nginx: clients move from one server to the next, while messages are published. */
export class DeployRun {
  readonly #options: DeployOptions
  readonly #programs: Programs
  readonly #bus = createMemoryBus()
  readonly #personas: readonly Persona[]
  readonly #judge: Judge
  readonly #crowd: ChildProgram<ToClients, FromClients>[] = []
  readonly #servers: Server[] = []
  #publishers: readonly Publisher[] = []
  #publishedCount = 0
  #ticks = 0
  #feed: NodeJS.Timeout | undefined
  #nginx: Nginx | undefined

  /** Runs to the end. */
  static async run(options: DeployOptions): Promise<DeployResult> {
    const folder = mkdtempSync(join(tmpdir(), 'deploy-'))
    try {
      return await new DeployRun(options, await buildPrograms(folder)).#run()
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  private constructor(options: DeployOptions, programs: Programs) {
    this.#options = options
    this.#programs = programs
    this.#personas = Array.from({ length: options.clients }, (_, number) => personaOf(number))
    this.#judge = new Judge(this.#personas)
  }

  async #run(): Promise<DeployResult> {
    try {
      const old = await this.#start('old')
      this.#nginx = await Nginx.start({ serverPort: old.port })
      this.#publishers = [{ name: 'old', server: old }]
      this.#summon(this.#nginx)
      await this.#settled()
      this.#publishToEverybody()
      this.#feed = setInterval(() => this.#tick(), this.#options.everyMs)
      await this.#peace()
      return await this.#deploy(old, this.#nginx)
    } finally {
      clearInterval(this.#feed)
      await Promise.all([...this.#crowd, ...this.#servers].map((each) => each.kill()))
      await this.#nginx?.stop()
    }
  }

  async #deploy(old: Server, nginx: Nginx): Promise<DeployResult> {
    const next = await this.#start('next')
    const publisher = { name: 'next', server: next }
    this.#publishers = [...this.#publishers, publisher]
    await this.#peace()

    const beganMs = Date.now()
    this.#publishers = [publisher]
    await nginx.pointAt(next.port)
    const drained = await old.deploy(this.#options)
    await this.#settled()
    const backMs = Date.now() - beganMs
    await until(() => old.hasEnded)
    await this.#peace()
    clearInterval(this.#feed)
    await until(() => this.#judge.waiting === 0)
    return this.#result(drained, backMs)
  }

  async #start(name: string): Promise<Server> {
    const prefix = this.#options.isClustered ? 'desk' : name
    const server = await Server.start(this.#programs.node, this.#bus, { heartbeatMs: 30_000, prefix })
    this.#servers.push(server)
    return server
  }

  #summon({ port, certificate }: Nginx): void {
    for (let part = 0; part < CLIENT_PROCESSES; part++) {
      const program = new ChildProgram<ToClients, FromClients>(this.#programs.clients, 'A process of clients', ({ records }) => records.forEach((each) => this.#judge.hear(each)))
      // Each process has clients of both kinds.
      const clients = this.#personas.filter(({ number }) => Math.floor(number / 2) % CLIENT_PROCESSES === part)
      program.tell({ type: 'begin', port, certificate, clients })
      this.#crowd.push(program)
    }
  }

  /** Every user gets an order. On another node, a client that never received anything of a stream cannot prove that nothing is missing. */
  #publishToEverybody(): void {
    for (const userId of new Set(this.#personas.map((persona) => persona.userId))) this.#publish({ streamType: 'ORDER_UPDATES', userId })
  }

  /** A trade and an order. The symbols and the users take turns. */
  #tick(): void {
    const turn = this.#ticks++
    const { userId } = this.#personas[(turn * CLIENTS_A_USER) % this.#personas.length] as Persona
    this.#publish({ streamType: 'TRADES', symbol: SYMBOLS[turn % SYMBOLS.length] })
    this.#publish({ streamType: 'ORDER_UPDATES', userId })
  }

  /** The publishers take turns after each pair of messages. */
  #publish(message: Omit<Entry, 'data'>): void {
    const entry = { ...message, data: { id: this.#publishedCount++ } }
    const { name, server } = this.#publishers[this.#ticks % this.#publishers.length] as Publisher
    this.#judge.published(entry, name)
    server.publish(entry)
  }

  async #peace(): Promise<void> {
    const enough = this.#ticks + PEACE
    await until(() => this.#ticks >= enough)
  }

  /** Settles when each client has an answer for each of its streams. */
  async #settled(): Promise<void> {
    await until(() => this.#judge.settled === this.#personas.length, () => [...this.#judge.unsettled, ...this.#judge.failures.keys()].slice(0, 30).join('\n'))
  }

  #result(drained: DrainReport, backMs: number): DeployResult {
    const { counts, refusals, ends, failures, absencesMs, returnsMs, settled } = this.#judge
    const unhandled = [...this.#servers, ...this.#crowd].flatMap((each) => each.unhandled)
    return { audit: this.#judge.report(), drained, counts, refusals, ends, failures, absencesMs, returnsMs, backMs, settled, unhandled }
  }
}

function personaOf(number: number): Persona {
  return {
    number,
    userId: `user ${Math.floor(number / CLIENTS_A_USER)}`,
    kind: number % 2 === 0 ? 'WebSocket' : 'EventSource',
    symbol: SYMBOLS[Math.floor(number / 2) % SYMBOLS.length] as string,
  }
}
