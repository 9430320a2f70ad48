import type { FaultKind } from './fault-log.ts'
import type { ChannelRule } from './channel.ts'

/** Told of what is wrong. */
export type Complain = (kind: FaultKind, what: string, times?: number) => void

/** What one connection is handed of one channel, number by number, for as long as it is covered. */
export class ChannelAudit {
  readonly rule: ChannelRule
  readonly #from: number
  readonly #complain: Complain
  /** The number that is to come next. */
  #next: number
  /** Numbers that were passed over, of a channel in which none may be. */
  readonly #holes = new Set<number>()
  /** How many messages notices said are missing. */
  reported = 0
  /** How many messages came. */
  seen = 0

  constructor(rule: ChannelRule, from: number, complain: Complain) {
    this.rule = rule
    this.#from = from
    this.#next = from
    this.#complain = complain
  }

  see(n: number): void {
    this.seen++
    if (n < this.#from) return this.#complain('uncalled', `number ${n} was published before ${this.#from}, the first that was to come`)
    if (n < this.#next) return this.#seeAgain(n)
    if (this.rule !== 'latest') for (let missing = this.#next; missing < n; missing++) this.#holes.add(missing)
    this.#next = n + 1
  }

  seeGap(dropped: number): void {
    if (this.rule !== 'droppable') this.#complain('alien', `a gap of ${dropped} where nothing may be dropped`)
    this.reported += dropped
    this.#next += dropped
  }

  /** All up to this number was to come by now. */
  seeComplete(to: number): void {
    this.#complain('loss', `all up to number ${to} were to come`, this.#missing(to))
    if (this.#next > to + 1) this.#complain('alien', `more was said to be missing than there was: up to ${this.#next - 1} of ${to}`)
    this.#holes.clear()
    this.#next = to + 1
  }

  /** The end, at which messages may have been discarded: how many those are that nobody told of. */
  end(to: number): number {
    this.#complain('loss', `messages in the midst of others, before number ${this.#next}`, this.#holes.size)
    return Math.max(0, to + 1 - this.#next)
  }

  #seeAgain(n: number): void {
    const isLate = this.#holes.delete(n) || (this.rule === 'latest' && n < this.#next - 1)
    this.#complain(isLate ? 'reordering' : 'duplicate', `number ${n} when ${this.#next} was to come next`)
  }

  #missing(to: number): number {
    const unseen = Math.max(0, to + 1 - this.#next)
    // Of a channel that conflates only the newest has to come: to miss it is to keep an old price.
    return this.rule === 'latest' ? Math.min(1, unseen) : unseen + this.#holes.size
  }
}
