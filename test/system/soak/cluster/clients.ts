// A process of some thousand clients.
import { Dice } from '../../../support/dice.ts'
import { obeyParent, tellParent } from '../../../support/parent.ts'
import { seededClock } from '../../../support/seeded-clock.ts'
import { Pace } from '../pace.ts'
import { addExample, newCounts, type Examples } from './counts.ts'
import type { ClientsReport, FromClients, Published, ToClients } from './messages.ts'
import { SlowVisitors } from './slow-visitors.ts'
import { symbolsFor, type SlowStreamType } from './streams.ts'
import { Visitor, type VisitorDependencies } from './visitor.ts'

const STEP_MS = 20

/** The clients of this process. */
class Visitors {
  readonly #counts = newCounts()
  readonly #examples: Examples = {}
  readonly #dice: Dice
  readonly #dependencies: VisitorDependencies
  readonly #visitors: Visitor[] = []
  readonly #expected: number[]
  readonly #arrivals: Pace
  #departures: Pace | undefined
  #slow: SlowVisitors | undefined
  #published: ReadonlyMap<string, number[]> = new Map()

  constructor({ urls, numbers, clients, seed, arrivalsPerSecond, mostAwayMs }: Extract<ToClients, { type: 'begin' }>) {
    this.#dice = new Dice(seed)
    this.#expected = [...numbers]
    this.#arrivals = new Pace(arrivalsPerSecond, performance.now())
    this.#dependencies = {
      urls, mostAwayMs, dice: this.#dice, clock: seededClock(this.#dice), symbols: symbolsFor(clients), counts: this.#counts,
      complain: (kind, fault) => addExample(this.#examples, kind, fault),
    }
    setInterval(() => this.#step(performance.now()), STEP_MS)
  }

  live(churnPercentPerMinute: number): void {
    const nowMs = performance.now()
    this.#departures = new Pace((this.#visitors.length * churnPercentPerMinute) / 100 / 60, nowMs)
    const slow = this.#visitors.filter(({ slowStream }) => slowStream !== undefined)
    this.#slow = new SlowVisitors(slow, this.#dice, nowMs, ({ number, node, slowStream }) => {
      tell({ type: 'paused', client: number, node, streamType: slowStream as SlowStreamType })
    })
  }

  rest(): void {
    this.#departures = undefined
    this.#slow?.end()
    this.#slow = undefined
  }

  /** Notes what each node has published. */
  conclude(published: readonly Published[]): void {
    const numbers = new Map<string, number[]>()
    for (const [node, channels] of published.entries()) {
      for (const [channel, n] of channels) numbers.set(channel, Object.assign(numbers.get(channel) ?? published.map(() => 0), { [node]: n }))
    }
    this.#published = numbers
  }

  get report(): ClientsReport {
    const missing: Examples = {}
    const waiting = this.#visitors.reduce((sum, visitor) => sum + visitor.waiting(this.#published, (fault) => addExample(missing, 'lost', fault)), 0)
    const lost = [...(this.#examples.lost ?? []), ...(missing.lost ?? [])]
    return { counts: this.#counts, examples: { ...this.#examples, lost }, settled: this.#visitors.filter(({ isSettled }) => isSettled).length, waiting }
  }

  #step(nowMs: number): void {
    for (let due = this.#arrivals.due(nowMs); due > 0 && this.#expected.length > 0; due--) {
      this.#visitors.push(new Visitor(this.#expected.shift() as number, this.#dependencies))
    }
    for (let due = this.#departures?.due(nowMs) ?? 0; due > 0; due--) this.#sendOneAway()
    this.#slow?.step(nowMs)
  }

  #sendOneAway(): void {
    const visitor = this.#dice.pick(this.#visitors)
    if (visitor.isSettled && !visitor.isPaused) visitor.leave()
  }
}

function tell(message: FromClients): void {
  tellParent(message)
}

let visitors: Visitors | undefined

function obey(message: ToClients): void {
  switch (message.type) {
    case 'begin': return void (visitors = new Visitors(message))
    case 'live': return visitors?.live(message.churnPercentPerMinute)
    case 'rest': return visitors?.rest()
    case 'final': return visitors?.conclude(message.published)
    case 'report': return tell({ type: 'report', ...(visitors as Visitors).report })
  }
}

obeyParent(obey)
