import type { Backplane } from '../../../src/cluster/index.ts'
import type { Dice } from '../dice.ts'
import type { SimulatedClock } from './simulated-clock.ts'

/** How often each fault happens to one delivery of a text to one node. */
export interface Weather {
  readonly loss: number
  readonly repeat: number
  readonly late: number
}

/** One node's end of the broker. */
class Line {
  readonly held = new Set<string>()
  readonly wanted = new Set<string>()
  receive: (subject: string, text: string) => void = () => {}
  status: (isUp: boolean) => void = () => {}
  isOpen = false
  isCut = false
  /** When the last text in order arrives. */
  lastMs = 0
}

/**
 * A broker, and the lines from the nodes to it.
 *
 * A line delays each text. By the dice, it loses one, repeats one, or lets others overtake one. A cut line loses everything, and the node is told a
 * little later. A stuck broker keeps what comes until it goes on. A broker that restarts has forgotten all subscriptions.
 */
export class SimulatedBroker {
  readonly lines = new Map<string, Line>()
  readonly #clock: SimulatedClock
  readonly #dice: Dice
  #weather: Weather
  #stuck: (() => void)[] | undefined
  /** Called with each delivery. It is lost if this returns true. */
  loses: (node: string, text: string) => boolean = () => false
  /** Node → the texts that it got. */
  readonly delivered = new Map<string, string[]>()

  constructor(clock: SimulatedClock, dice: Dice, weather: Weather) {
    this.#clock = clock
    this.#dice = dice
    this.#weather = weather
  }

  /** From now on, nothing is lost, repeated or late. */
  calm(): void {
    this.#weather = { loss: 0, repeat: 0, late: 0 }
  }

  /** Returns the driver of a new node. */
  backplane(node: string): Backplane {
    const line = new Line()
    this.lines.set(node, line)
    return {
      open: async (receive, status) => {
        Object.assign(line, { receive, status, isOpen: true })
        status(!line.isCut)
      },
      publish: (subject, text) => this.#atBroker(line, () => this.#spread(subject, text)),
      subscribe: (subjects) => this.#change(line, () => subjects.forEach((each) => (line.wanted.add(each), line.held.add(each)))),
      unsubscribe: (subjects) => this.#change(line, () => subjects.forEach((each) => (line.wanted.delete(each), line.held.delete(each)))),
      subscribers: (subject) => this.#ask(line, () => [...this.lines.values()].filter((each) => each.isOpen && !each.isCut && each.held.has(subject)).length),
      close: async () => {
        line.isOpen = false
        this.lines.delete(node)
      },
    }
  }

  cut(node: string, forMs: number): void {
    const line = this.lines.get(node)
    if (line === undefined || line.isCut) return
    line.isCut = true
    line.held.clear()
    this.#clock.setTimeout(() => line.status(false), this.#dice.below(100))
    this.#clock.setTimeout(() => this.#heal(line), forMs)
  }

  /** The nodes whose lines are cut now. While the broker is stuck, these are all nodes. */
  cutOff(): string[] {
    return [...this.lines].filter(([, { isCut }]) => isCut || this.#stuck !== undefined).map(([node]) => node)
  }

  restart(forMs: number): void {
    for (const node of this.lines.keys()) this.cut(node, forMs)
  }

  stick(forMs: number): void {
    if (this.#stuck !== undefined) return
    this.#stuck = []
    this.#clock.setTimeout(() => this.#goOn(), forMs)
  }

  #heal(line: Line): void {
    line.isCut = false
    for (const subject of line.wanted) line.held.add(subject)
    line.status(true)
  }

  #goOn(): void {
    const waiting = this.#stuck ?? []
    this.#stuck = undefined
    for (const act of waiting) act()
  }

  #spread(subject: string, text: string): void {
    for (const [node, line] of this.lines) if (line.held.has(subject)) this.#deliver(node, line, subject, text)
  }

  #deliver(node: string, line: Line, subject: string, text: string): void {
    const { loss, repeat, late } = this.#weather
    if (this.#dice.chance(loss) || this.loses(node, text)) return
    const isLate = this.#dice.chance(late)
    const atMs = Math.max(this.#clock.monotonic() + this.#dice.between(0.1, 2), isLate ? 0 : line.lastMs) + (isLate ? this.#dice.below(200) : 0)
    if (!isLate) line.lastMs = atMs
    const arrive = (): void => {
      if (!line.isOpen || line.isCut || !line.held.has(subject)) return
      this.delivered.get(node)?.push(text) ?? this.delivered.set(node, [text])
      line.receive(subject, text)
    }
    this.#clock.setTimeout(arrive, atMs - this.#clock.monotonic())
    if (this.#dice.chance(repeat)) this.#clock.setTimeout(arrive, atMs - this.#clock.monotonic() + this.#dice.below(50))
  }

  #atBroker(line: Line, act: () => void): void {
    if (line.isCut || !line.isOpen) return
    const arrive = (): void => {
      if (line.isCut) return
      if (this.#stuck === undefined) act()
      else this.#stuck.push(act)
    }
    // In order: the delay is the same for all.
    this.#clock.setTimeout(arrive, 0.5)
  }

  #change(line: Line, act: () => void): Promise<void> {
    return this.#ask(line, act)
  }

  #ask<TAnswer>(line: Line, act: () => TAnswer): Promise<TAnswer> {
    return new Promise((resolve, reject) => {
      if (line.isCut || !line.isOpen) return reject(new Error('the line is cut'))
      this.#atBroker(line, () => this.#clock.setTimeout(() => (line.isCut ? reject(new Error('the line is cut')) : resolve(act())), 0.5))
      this.#clock.setTimeout(() => reject(new Error('no answer')), 5_000)
    })
  }
}
