import { setTimeout as sleep } from 'node:timers/promises'
import { ClientProcess } from './client-process.ts'
import { Crowd, userIdsFor } from './crowd.ts'
import { Dice } from '../../support/dice.ts'
import { Host } from './host.ts'
import { judge } from './judgement.ts'
import { Ledger } from './ledger.ts'
import { RandomMarket, type Market } from './market.ts'
import { inMiB, sampleMemory, type MemorySample } from './memory.ts'
import { RecordedFeed } from './recorded-feed.ts'
import { SlowClients } from './slow-clients.ts'
import { Traffic } from './traffic.ts'
import type { Verdict } from './verdict.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly clients: number
  /** How many of a hundred leave in a minute. */
  readonly churn: number
  /** The path of a recorded market. */
  readonly feed: string | undefined
  readonly seed: number
}

const STEP_MS = 10
const MOST_SAMPLES_APART_MS = 5_000
const LEAST_SAMPLES = 10
const WARM_UP_CLIENTS = 40
const WARM_UP_MS = 3_000
/** How long what has to come to an end may take; nothing is measured by it. */
const PATIENCE_MS = 60_000

/** One run, from the first client to the last. */
export class SoakRun {
  readonly #options: SoakOptions
  readonly #host: Host
  readonly #clients: ClientProcess
  readonly #ledger: Ledger
  readonly #crowd: Crowd
  readonly #slowClients: SlowClients
  readonly #traffic: Traffic
  readonly #verdict: Verdict
  readonly #samples: MemorySample[] = []
  readonly #startMs = performance.now()
  #timersLeft = 0

  /** @throws `FeedError` */
  constructor(options: SoakOptions, verdict: Verdict) {
    this.#options = options
    this.#verdict = verdict
    const dice = new Dice(options.seed)
    const userIds = userIdsFor(options.clients)
    const market = marketFor(options, dice)
    verdict.note(`soak: ${options.clients} clients of ${userIds.length} users, ${options.minutes} min, ${market.name}, seed ${options.seed}\n`)
    this.#clients = new ClientProcess((client) => this.#slowClients.notePaused(client))
    this.#ledger = new Ledger((entries) => this.#clients.tell({ type: 'ledger', entries }))
    this.#host = new Host(this.#ledger, {
      joined: (listener) => {
        this.#crowd.welcome(listener.client)
        this.#slowClients.welcome(listener, performance.now())
      },
      left: ({ client }, reason) => {
        this.#slowClients.forget(client, reason === 'slow-consumer')
        this.#crowd.replace(client)
      },
    })
    this.#crowd = new Crowd(this.#host, this.#clients, { dice, userIds, streams: market.streams, churnPercentPerMinute: options.churn })
    this.#slowClients = new SlowClients(this.#host, this.#clients, dice)
    this.#traffic = new Traffic(this.#host, market, { dice, userIds, nowMs: performance.now() })
  }

  /** Runs to the end, and judges what it has brought. */
  async run(): Promise<void> {
    try {
      await this.#host.listening()
      const before = await this.#warmUp()
      await this.#live()
      await this.#windDown()
      const report = await this.#clients.report()
      const uncollected = await this.#host.collection.left()
      judge(this.#verdict, {
        host: this.#host,
        report,
        slowCounts: this.#slowClients.counts,
        left: this.#crowd.left,
        timersLeft: this.#timersLeft,
        uncollected,
        before,
        samples: this.#samples,
        after: this.#sample(),
      })
    } finally {
      await this.#clients.end()
      await this.#host.close()
    }
  }

  /** The heap of a server that has served once, and serves nobody. */
  async #warmUp(): Promise<MemorySample> {
    await this.#grow(Math.min(WARM_UP_CLIENTS, this.#options.clients))
    await this.#stepUntil(performance.now() + WARM_UP_MS)
    await this.#windDown()
    await this.#host.collection.left()
    return this.#sample()
  }

  async #live(): Promise<void> {
    const { clients, minutes } = this.#options
    const durationMs = minutes * 60_000
    const apartMs = Math.min(MOST_SAMPLES_APART_MS, durationMs / LEAST_SAMPLES)
    await this.#grow(clients)
    const endMs = performance.now() + durationMs
    while (performance.now() < endMs) {
      await this.#stepUntil(Math.min(endMs, performance.now() + apartMs))
      this.#samples.push(this.#sample())
    }
    await this.#seeAllKinds()
  }

  /** However short a run, and however busy the machine: what has to be seen is seen. */
  async #seeAllKinds(): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS
    while (this.#slowClients.unseen.length > 0 && performance.now() < deadlineMs) await this.#stepUntil(performance.now() + STEP_MS)
    const { unseen } = this.#slowClients
    if (unseen.length > 0) this.#host.complain(`not seen: a client that ${unseen.join(', ')}`)
  }

  async #grow(count: number): Promise<void> {
    this.#crowd.grow(count)
    await this.#untilAllAreThere()
    this.#crowd.start(performance.now())
  }

  async #untilAllAreThere(): Promise<void> {
    await this.#until('everybody is there who is to be', () => this.#host.manager.connectionCount === this.#crowd.size)
  }

  /** Lets everybody arrive, catch up and leave. */
  async #windDown(): Promise<void> {
    const { manager } = this.#host
    this.#slowClients.end()
    await this.#until('nobody is behind', () => this.#host.check().connectionsBehind === 0)
    await this.#untilAllAreThere()
    this.#crowd.disperse()
    await this.#until('everybody has left', () => manager.connectionCount === 0 && !this.#host.hasSockets)
    // The last timer there may be: whatever else is pending by then was forgotten.
    await this.#until('no stream is active', () => manager.activeStreams().length === 0)
    this.#timersLeft += this.#host.clock.pendingTimers
  }

  async #stepUntil(endMs: number): Promise<void> {
    for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
      this.#crowd.step(nowMs)
      this.#slowClients.step(nowMs)
      this.#traffic.step(nowMs)
      this.#ledger.flush()
      if (this.#clients.trouble !== undefined) throw new Error(this.#clients.trouble)
      await sleep(STEP_MS)
    }
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS
    let holds = condition()
    while (!holds && performance.now() < deadlineMs) {
      this.#ledger.flush()
      await sleep(STEP_MS)
      holds = condition()
    }
    this.#ledger.flush()
    if (!holds) this.#host.complain(`not after ${PATIENCE_MS} ms: ${what}`)
  }

  #sample(): MemorySample {
    const { sent, connectionsBehind } = this.#host.check()
    const sample = sampleMemory()
    // After and not before: what is looked at stays until the job is over.
    this.#host.collection.prune()
    const seconds = Math.round((sample.atMs - this.#startMs) / 1_000)
    const { connectionCount, subscriptionCount } = this.#host.manager
    this.#verdict.note(
      [
        `${String(seconds).padStart(5)} s`,
        `${connectionCount} connections, ${subscriptionCount} subscriptions`,
        `heap ${inMiB(sample.heapBytes)}, RSS ${inMiB(sample.rssBytes)}`,
        `${sent} sent, ${connectionsBehind} behind`,
      ].join('   '),
    )
    return sample
  }
}

function marketFor({ feed }: SoakOptions, dice: Dice): Market {
  return feed === undefined ? new RandomMarket(dice) : new RecordedFeed(feed)
}
