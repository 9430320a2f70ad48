import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditCounts } from '../../../../src/testing/index.ts'
import { Dice } from '../../../support/dice.ts'
import { Crowd } from '../crowd.ts'
import { Judge } from '../judge.ts'
import { buildPrograms } from '../programs.ts'
import { clientIn, Proxy } from '../proxy.ts'
import { type Persona } from '../streams.ts'
import { backboneOf, type Backbone } from './backbone.ts'
import { Commands } from './commands.ts'
import { FAULTS, SAFE_NODE, shuffled, type FaultName, type Stage } from './faults.ts'
import { Fleet } from './fleet.ts'
import type { BrokerName } from './messages.ts'
import { clubOf, roamers } from './roamers.ts'
import { Tape } from './tape.ts'

export interface ClusterRunOptions {
  readonly broker: BrokerName
  readonly clients: number
  readonly seed: number
  readonly faults: readonly FaultName[]
  /** True if the nodes relay messages without a cluster. */
  readonly isPlain: boolean
  /** Returns false if the run is to end. */
  isGoingOn(roundsDone: number): boolean
  /** All clients have arrived, and all nodes are up. */
  ready?(): void
  began(round: number, fault: FaultName): void
  ended(round: RoundResult): void
}

/** What came of one fault. */
export interface RoundResult {
  readonly round: number
  readonly fault: FaultName
  /** How long after the fault was over all nodes were up, and every client had all that was due to it. Milliseconds. */
  readonly upAgainMs: number
  readonly calmMs: number
  /** Messages that clients were told are missing. */
  readonly told: number
  /** How often clients were told of a gap that were there before the fault and did not move. */
  readonly gapsOfSettled: number
  /** The counts of the audit so far. */
  readonly counts: AuditCounts
}

/** What a run has found. */
export interface ClusterRunResult {
  readonly rounds: readonly RoundResult[]
  readonly counts: AuditCounts
  readonly totals: Fleet['totals']
  readonly connects: number
  /** How many revocations were given, and how many removals. */
  readonly commandCount: number
  readonly ends: ReadonlyMap<string, number>
  readonly failures: ReadonlyMap<string, number>
  /** What is wrong. Empty if nothing is. */
  readonly faults: readonly string[]
  readonly unhandled: readonly string[]
}

const NODES = 3
const CLIENT_PROCESSES = 2
const TICK_MS = 20
const A_TICK = 4
const ROAM_EVERY_MS = 300
/** How long all goes well before a fault. */
const PEACE_MS = 800
const PATIENCE_MS = 45_000
const PLAIN_PATIENCE_MS = 5_000
const LOOK_EVERY_MS = 50

/** One run: nodes, a broker between them, clients that roam, and one fault after the other. */
export class ClusterRun {
  readonly #options: ClusterRunOptions
  readonly #dice: Dice
  readonly #judge: Judge
  readonly #proxy = new Proxy(clientIn)
  readonly #tape: Tape
  readonly #backbone: Backbone
  readonly #fleet: Fleet
  readonly #crowd: Crowd
  readonly #personas: readonly Persona[]
  readonly #rounds: RoundResult[] = []
  readonly #objections: string[] = []
  readonly #commands: Commands
  #timers: NodeJS.Timeout[] = []

  /** Runs to the end. */
  static async run(options: ClusterRunOptions): Promise<ClusterRunResult> {
    const folder = await mkdtemp(join(tmpdir(), 'chaos-'))
    try {
      const programs = await buildPrograms(folder, ['node', 'clients'])
      return await new ClusterRun(options, programs, folder).#run()
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  private constructor(options: ClusterRunOptions, programs: Readonly<Record<'node' | 'clients', string>>, folder: string) {
    const { broker, clients, isPlain, seed } = options
    this.#options = options
    this.#dice = new Dice(seed)
    this.#personas = roamers(clients)
    const judge = new Judge(this.#personas, true)
    // A node that cannot reach the others need not have what a client missed.
    judge.lostHistories = Infinity
    this.#judge = judge
    this.#tape = new Tape(new Dice(seed + 1), clients)
    this.#backbone = backboneOf(broker, NODES, folder)
    const events = { published: judge.published.bind(judge), died: judge.died.bind(judge) }
    this.#fleet = new Fleet({ program: programs.node, broker, isPlain, nodes: NODES }, this.#backbone, events)
    this.#crowd = new Crowd(programs.clients, this.#personas, CLIENT_PROCESSES, (record) => judge.hear(record))
    this.#commands = new Commands({ dice: this.#dice, fleet: this.#fleet, judge, crowd: this.#crowd, personas: this.#personas })
  }

  async #run(): Promise<ClusterRunResult> {
    try {
      await this.#begin()
      this.#options.ready?.()
      await this.#disturb()
    } finally {
      this.#rest()
      await Promise.all([this.#crowd.end(), this.#fleet.end()])
      await this.#backbone.stop()
      this.#proxy.close()
    }
    return this.#result()
  }

  async #begin(): Promise<void> {
    const port = await this.#proxy.listen()
    await this.#backbone.start()
    await Promise.all(Array.from({ length: NODES }, (_, node) => this.#fleet.start(node)))
    // A client comes to any node, whenever it comes.
    this.#proxy.target = () => (this.#fleet.ports.length === 0 ? undefined : this.#dice.pick(this.#fleet.ports))
    this.#crowd.begin(`ws://127.0.0.1:${port}`, this.#options.seed + 2)
    await this.#calm()
  }

  async #disturb(): Promise<void> {
    const { faults, isGoingOn } = this.#options
    let deck: FaultName[] = []
    for (let round = 1; isGoingOn(round - 1) && !this.#isOver; round++) {
      if (deck.length === 0) deck = shuffled(faults, this.#dice)
      await this.#play(round, deck.pop() as FaultName)
    }
    await this.#fleet.reports([])
  }

  async #play(round: number, fault: FaultName): Promise<void> {
    const { began, ended, isPlain } = this.#options
    this.#live()
    await sleep(PEACE_MS)
    began(round, fault)
    const { auditCounts: { told }, counts: { gapsOfSettled } } = this.#judge
    const order = isPlain ? undefined : await this.#commands.prepare()
    const by = fault.endsWith('a node') ? SAFE_NODE : this.#dice.below(NODES)
    this.#judge.faultBegins()
    await Promise.all([FAULTS[fault](this.#stage), order && this.#commands.give(order, by)])
    const overMs = Date.now()
    this.#rest()
    await this.#calm()
    const upAgainMs = Math.max(0, this.#fleet.lastChangeMs - overMs)
    const counts = this.#judge.auditCounts
    const result = { round, fault, upAgainMs, calmMs: Date.now() - overMs, told: counts.told - told, gapsOfSettled: this.#judge.counts.gapsOfSettled - gapsOfSettled, counts }
    this.#rounds.push(result)
    ended(result)
    if (order) await this.#commands.restore(order)
  }

  /** Everybody publishes, and clients roam. */
  #live(): void {
    this.#timers = [setInterval(() => this.#publish(), TICK_MS), setInterval(() => this.#roam(), ROAM_EVERY_MS)]
  }

  /** Nobody publishes any more, so that the last message of each stream may be the one that was lost. */
  #rest(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  #publish(): void {
    for (let i = 0; i < A_TICK; i++) {
      const { by, entry } = this.#tape.next([...this.#fleet.wantedPrices])
      if (by === 'feed') this.#fleet.publishByFeed([entry])
      else this.#fleet.publish(this.#dice.below(NODES), [entry])
    }
  }

  #roam(): void {
    const { links } = this.#proxy
    if (links.length > 0) this.#dice.pick(links).cut()
  }

  get #stage(): Stage {
    return { dice: this.#dice, backbone: this.#backbone, fleet: this.#fleet, tape: this.#tape }
  }

  /** Waits until all nodes agree, and every client has all that is due to it. */
  async #calm(): Promise<void> {
    const { isPlain } = this.#options
    const deadlineMs = Date.now() + (isPlain ? PLAIN_PATIENCE_MS : PATIENCE_MS)
    let objections = await this.#objectionsNow()
    while (objections.length > 0 && this.#unhandled.length === 0 && Date.now() < deadlineMs) {
      await sleep(LOOK_EVERY_MS)
      objections = await this.#objectionsNow()
    }
    this.#objections.push(...objections)
  }

  /** Returns what is not as it has to be in the end. */
  async #objectionsNow(): Promise<string[]> {
    const { unsettled, waiting } = this.#judge
    if (!this.#fleet.isUp) return ['a node is not up']
    if (unsettled.length > 0) return unsettled
    if (waiting > 0) return [`${waiting} messages have not come, and were not told as missing`]
    return this.#options.isPlain ? [] : [...this.#objectionsToDemand(), ...(await this.#objectionsToNodes())]
  }

  #objectionsToDemand(): string[] {
    const wanted = new Set(this.#personas.flatMap(({ wants }) => wants).flatMap(({ streamType, symbol = '' }) => (streamType === 'PRICE' ? symbol : [])))
    const known = this.#fleet.wantedPrices
    const untold = [...wanted].filter((symbol) => !known.has(symbol)).map((symbol) => `nobody was told that the price of ${symbol} is wanted`)
    return [...untold, ...[...known].filter((symbol) => !wanted.has(symbol)).map((symbol) => `nobody was told that the price of ${symbol} is idle`)]
  }

  async #objectionsToNodes(): Promise<string[]> {
    const { userId } = this.#dice.pick(this.#personas)
    const reports = await this.#fleet.reports([userId, 'nobody'])
    return reports.flatMap(({ online, trespassers }, node) => [
      ...(online[0] === true ? [] : [`node ${node} says of ${userId}, who is online: ${online[0]}`]),
      ...(online[1] === false ? [] : [`node ${node} says of nobody: ${online[1]}`]),
      ...trespassers.map((each) => `node ${node} holds ${clubOf(each)}, which was revoked`),
    ])
  }

  /** True if nothing can make good what is wrong. */
  get #isOver(): boolean {
    return this.#objections.length > 0 || this.#judge.isCondemned || this.#unhandled.length > 0
  }

  get #unhandled(): string[] {
    return [...this.#fleet.unhandled, ...this.#crowd.unhandled]
  }

  #result(): ClusterRunResult {
    const { auditCounts: counts, counts: { connects }, ends, faults } = this.#judge
    const { failures, totals } = this.#fleet
    return {
      rounds: this.#rounds, counts, totals, connects, ends, failures,
      commandCount: this.#commands.count,
      faults: [...this.#objections, ...faults],
      unhandled: this.#unhandled,
    }
  }
}
