import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dice } from '../../support/dice.ts'
import type { Verdict } from '../soak/verdict.ts'
import { BUGS } from './bugs.ts'
import { Crowd } from './crowd.ts'
import { deal, DISTURBANCES, type DisturbanceName, type Stage } from './disturbances.ts'
import { Feed } from './feed.ts'
import { Figures } from './figures.ts'
import { Judge } from './judge.ts'
import type { ClientRecord } from './messages.ts'
import { buildPrograms } from './programs.ts'
import { clientIn, Proxy } from './proxy.ts'
import { personas } from './streams.ts'
import { Venue } from './venue.ts'

export interface ChaosOptions {
  readonly clients: number
  readonly seconds: number
  readonly seed: number
  readonly hasRecovery: boolean
  /** The name of a bug of the client. */
  readonly bug: string | undefined
}

const CLIENT_PROCESSES = 2
const PATIENCE_MS = 60_000
const BUG_PATIENCE_MS = 15_000
const LOOK_EVERY_MS = 50
const MOST_PAUSE_MS = 1_600
const LEAST_PAUSES = 20

/** One run: clients, a proxy, a server after the other, and one disturbance after the other. */
export class ChaosRun {
  readonly #options: ChaosOptions
  readonly #verdict: Verdict
  readonly #stage: Stage
  readonly #done = new Map<DisturbanceName, number>()

  /** Runs to the end, and judges what it has brought. */
  static async run(options: ChaosOptions, verdict: Verdict): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'chaos-'))
    try {
      const programs = await buildPrograms(folder, ['server', 'clients'], options.bug === undefined ? undefined : BUGS[options.bug])
      await new ChaosRun(options, verdict, programs).#run()
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  private constructor(options: ChaosOptions, verdict: Verdict, programs: Readonly<Record<'server' | 'clients', string>>) {
    const { clients: clientCount, hasRecovery, seed } = options
    this.#options = options
    this.#verdict = verdict
    const dice = new Dice(seed)
    const clients = personas(clientCount)
    const [proxy, figures, judge, feed] = [new Proxy(clientIn), new Figures(), new Judge(clients, hasRecovery), new Feed(new Dice(seed + 1), clientCount)]
    const hear = (record: ClientRecord): void => {
      if (record.type === 'state') figures.enter(record, judge.isConnected(record.client))
      judge.hear(record)
    }
    const venue = new Venue(programs.server, proxy, feed, judge, hasRecovery)
    const crowd = new Crowd(programs.clients, clients, CLIENT_PROCESSES, hear)
    this.#stage = { dice, clientCount, proxy, venue, judge, feed, figures, crowd }
  }

  async #run(): Promise<void> {
    const { crowd, proxy, venue } = this.#stage
    try {
      await this.#begin()
      await this.#disturb()
      await this.#calm()
    } finally {
      await Promise.all([crowd.end(), venue.end()])
      proxy.close()
    }
    this.#conclude()
  }

  async #begin(): Promise<void> {
    const { crowd, proxy, venue } = this.#stage
    const port = await proxy.listen()
    await venue.open()
    venue.startFeed()
    crowd.begin(`ws://127.0.0.1:${port}`, this.#options.seed + 2)
    await this.#until('everybody has arrived', () => this.#isSettled)
  }

  /** Deals disturbances until the time is over, and each of them has been there. */
  async #disturb(): Promise<void> {
    const { dice } = this.#stage
    const durationMs = this.#options.seconds * 1_000
    const mostPauseMs = Math.min(MOST_PAUSE_MS, durationMs / LEAST_PAUSES)
    const endMs = Date.now() + durationMs
    for (let round = 0; round === 0 || Date.now() < endMs; round++) {
      for (const name of deal(dice)) {
        if (round > 0 && Date.now() >= endMs) return
        if (this.#isNoticed) return
        this.#done.set(name, (this.#done.get(name) ?? 0) + 1)
        await DISTURBANCES[name](this.#stage)
        await sleep(dice.between(0.1, 1) * mostPauseMs)
      }
    }
  }

  /** Lets everybody come back and hear the last message of each stream. */
  async #calm(): Promise<void> {
    const { judge, proxy, venue } = this.#stage
    proxy.heal()
    await this.#until('everybody is back', () => this.#isSettled)
    venue.stopFeed()
    venue.publishLast()
    await this.#until('everything that is due has come', () => this.#isSettled && judge.waiting === 0)
  }

  get #isSettled(): boolean {
    return this.#stage.judge.settled === this.#options.clients
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const { bug, clients } = this.#options
    const patienceMs = bug === undefined ? PATIENCE_MS : BUG_PATIENCE_MS
    const deadlineMs = Date.now() + patienceMs
    while (!condition() && !this.#isNoticed && Date.now() < deadlineMs) await sleep(LOOK_EVERY_MS)
    if (condition() || this.#isNoticed) return
    this.#verdict.check(what, false, [`not after ${patienceMs} ms: ${this.#stage.judge.settled} of ${clients} clients are there`])
  }

  /** A bug that was noticed need not be noticed again. */
  get #isNoticed(): boolean {
    return this.#options.bug !== undefined && this.#stage.judge.isCondemned
  }

  #conclude(): void {
    const { counts, ends, requests, failures, faults } = this.#stage.judge
    const { crowd, figures, proxy, venue } = this.#stage
    const verdict = this.#verdict
    verdict.note(`disturbances: ${listed(this.#done)}`)
    verdict.note(`${venue.acknowledgedCount} published, ${counts.messages} received, ${counts.snapshots} of them snapshots`)
    verdict.note(`${counts.connects} connects, ${counts.recovered} streams recovered, ${counts.refused} refused, ${counts.gaps} gaps told`)
    verdict.note(`connections ended: ${listed(ends)}`)
    verdict.note(`requests: ${listed(requests)}`)
    verdict.note(`failures that clients survived: ${listed(failures)}`)
    for (const line of figures.lines(proxy.attemptsMs, crowd.sleeps)) verdict.note(line)
    const unhandled = [...crowd.unhandled, ...venue.unhandled]
    verdict.check('nothing is lost in silence, nothing comes twice, and all is in order', faults.length === 0, faults)
    verdict.check('no process fails, and no rejection is unhandled', unhandled.length === 0, unhandled)
    verdict.check('clients came back', counts.connects > this.#options.clients && counts.answers > 0)
  }
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none'
}
