import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerProcess, natsServer, redisServer } from '../../backplanes/broker-process.ts'
import { inMiB } from '../memory.ts'
import type { Verdict } from '../verdict.ts'
import { Crowds } from './crowds.ts'
import { judge } from './judgement.ts'
import type { BrokerName, Injection, NodeSample } from './messages.ts'
import { memoryIn, Nodes } from './nodes.ts'
import { openingsOf } from './opening.ts'

export interface ClusterSoakOptions {
  readonly nodes: number
  readonly broker: BrokerName
  readonly minutes: number
  readonly clients: number
  /** How many of a hundred leave in a minute, and come back. */
  readonly churn: number
  /** Messages that all clients together receive in a second. */
  readonly rate: number
  readonly seed: number
  readonly injection: Injection | undefined
}

const ARRIVALS_PER_SECOND = 500
/** A client that leaves comes back after at most this time. In a short run, after less. */
const MOST_AWAY_MS = 8_000
const MOST_PROGRESS_APART_MS = 10_000
const LEAST_SAMPLES = 5
/** Garbage is collected in the first sample, and then in one of so many. */
const COLLECT_EVERY = 3
/** How long the arrival and the end may take. Nothing is measured by it. */
const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 200
/** If nothing has come for so long, what is missing does not come any more. */
const QUIET_MS = 10_000
const BROKERS = { redis: redisServer, nats: natsServer } as const

/** One run, from the first client to the last: nodes, a broker between them, and clients that come to any node. */
export class ClusterSoak {
  readonly #options: ClusterSoakOptions
  readonly #verdict: Verdict
  readonly #nodes: Nodes
  readonly #crowds: Crowds
  readonly #startMs = performance.now()
  /** What was not so in the end. */
  readonly #objections: string[] = []
  #received = { count: 0, atMs: 0 }

  constructor(options: ClusterSoakOptions, verdict: Verdict) {
    this.#options = options
    this.#verdict = verdict
    this.#nodes = new Nodes(options.nodes)
    this.#crowds = new Crowds(options.clients, ({ client, node, streamType }) => this.#nodes.press(node, client, streamType))
  }

  /** Runs to the end, and judges what it has brought. */
  async run(): Promise<void> {
    const { broker, nodes, clients, churn, rate, minutes, seed } = this.#options
    this.#verdict.note(`soak: ${clients} clients in ${this.#crowds.processCount} processes, ${nodes} nodes over ${broker}, ${minutes} min, ${rate} deliveries a second, ${churn} % leave in a minute, seed ${seed}\n`)
    const running = await BrokerProcess.start(BROKERS[broker])
    try {
      await this.#arrive(running.port)
      await this.#open()
      await this.#live()
      await this.#windDown()
      judge(this.#verdict, {
        options: this.#options,
        report: this.#crowds.report,
        samples: this.#nodes.samples,
        troubles: [...this.#objections, ...this.#unhandled, ...this.#nodes.failures],
      })
    } finally {
      await Promise.all([this.#crowds.end(), this.#nodes.end()])
      await running.kill()
    }
  }

  /** Nobody publishes before the last client has arrived. So the first message of each channel has the number 1 for every client. */
  async #arrive(brokerPort: number): Promise<void> {
    const { broker, injection, clients, minutes, seed } = this.#options
    const urls = await this.#nodes.begin(broker, brokerPort, injection)
    this.#crowds.begin(urls, { seed, arrivalsPerSecond: ARRIVALS_PER_SECOND, mostAwayMs: Math.min(MOST_AWAY_MS, (minutes * 60_000) / 4) })
    const arriveMs = (clients / ARRIVALS_PER_SECOND) * 1_000
    await this.#until('all nodes are up, and all clients have arrived', arriveMs + PATIENCE_MS, async () => this.#nodes.isUp && (await this.#crowds.look()).settled === clients)
    this.#verdict.note(`${this.#seconds} s   all clients have arrived`)
  }

  /** Each node publishes one message of each channel, and every client receives it. */
  async #open(): Promise<void> {
    const { clients, nodes } = this.#options
    await this.#nodes.open(this.#options)
    await this.#until('every client has the first messages', PATIENCE_MS, async () => (await this.#crowds.look()).counts.received === clients * openingsOf(nodes))
    await this.#nodes.sample(true)
    this.#nodes.forgetSamples()
    this.#verdict.note(`${this.#seconds} s   every channel has a message of each node`)
  }

  async #live(): Promise<void> {
    const { churn, minutes } = this.#options
    const durationMs = minutes * 60_000
    const apartMs = Math.min(MOST_PROGRESS_APART_MS, durationMs / LEAST_SAMPLES)
    this.#nodes.publish(this.#options)
    this.#crowds.live(churn)
    this.#received = { count: this.#crowds.report.counts.received, atMs: performance.now() }
    const endMs = performance.now() + durationMs
    for (let count = 1; performance.now() < endMs && this.#unhandled.length === 0; count++) {
      await sleep(Math.min(apartMs, Math.max(0, endMs - performance.now())))
      await this.#progress(count % COLLECT_EVERY === 1)
    }
  }

  /** Lets everybody come back and read, and waits until nothing is due to anybody. */
  async #windDown(): Promise<void> {
    this.#crowds.rest()
    this.#crowds.conclude(await this.#nodes.rest())
    let last = { received: NaN, atMs: 0 }
    await this.#until('all clients have come back', PATIENCE_MS, async () => {
      const { settled, waiting, counts: { received } } = await this.#crowds.look()
      if (received !== last.received) last = { received, atMs: performance.now() }
      return settled === this.#options.clients && (waiting === 0 || performance.now() - last.atMs > QUIET_MS)
    })
    await this.#nodes.sample(true)
  }

  async #until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + withinMs
    let isSo = await holds()
    while (!isSo && performance.now() < deadlineMs && this.#unhandled.length === 0) {
      await sleep(LOOK_EVERY_MS)
      isSo = await holds()
    }
    if (!isSo) this.#objections.push(`not after ${Math.round(withinMs / 1_000)} s: ${what}`)
  }

  async #progress(collects: boolean): Promise<void> {
    const [nodes, { counts, settled }] = await Promise.all([this.#nodes.sample(collects), this.#crowds.look()])
    const { received, lost, twice, outOfOrder, told, left } = counts
    const nowMs = performance.now()
    const perSecond = Math.round(((received - this.#received.count) / (nowMs - this.#received.atMs)) * 1_000)
    this.#received = { count: received, atMs: nowMs }
    const of = (text: (sample: NodeSample, node: number) => string): string => nodes.map(text).join(' and ')
    this.#verdict.note([
      `${this.#seconds} s`,
      `${settled} connected, ${left} left`,
      `${perSecond} a second, ${lost} lost, ${twice} twice, ${outOfOrder} out of order, ${told} told`,
      `CPU ${of(({ cpuShare }) => `${Math.round(100 * cpuShare)} %`)}`,
      `delay p99 ${of(({ delay }) => delay.p99.toFixed(1))} ms`,
      `heap ${of((_, node) => inMiB(memoryIn(this.#nodes.samples[node] ?? []).at(-1)?.heapBytes ?? NaN))}`,
    ].join('   '))
  }

  get #unhandled(): string[] {
    return [...this.#nodes.unhandled, ...this.#crowds.unhandled]
  }

  get #seconds(): string {
    return String(Math.round((performance.now() - this.#startMs) / 1_000)).padStart(5)
  }
}
