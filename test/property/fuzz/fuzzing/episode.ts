import { Dice } from '../../../support/dice.ts'
import { described } from '../faults.ts'
import { isUnpolluted, type Builtins } from '../builtins.ts'
import { Immediates } from './immediates.ts'
import { CALLS, CLEANUP } from './calls/all.ts'
import type { Call } from './calls/call.ts'
import { codeOf } from './codes.ts'
import { objectionsToState, objectionToCounts, objectionToTotals } from './consistency.ts'
import { Keep, Stage } from './stage.ts'
import type { Tally } from './tally.ts'

/** Calls of one episode: few enough that a fault is had again in no time. */
export const CALLS_PER_EPISODE = 10_000

const CALLS_PER_TURN = 200
const CALLS_PER_AUDIT = 2_000
const CALLS_PER_SAMPLE = 100
/** They are looked at after each call from within another as well. */
const CALLS_PER_LOOK_AT_TOTALS = 4
/** Calls at a manager that is closed, before there is a fresh one. */
const CALLS_WHEN_CLOSED = 60
const DEEPEST = 3
/** Calls from within one outermost call: each may be refused, deferred, or set off others. */
const MOST_NESTED = 12
/** How often a call from within others is the one that ends the manager. */
const SHARE_OF_ENDS = 0.008
const LONG_MS = 10_000_000
/** How often, by turns, fake timers begin or end to swallow what is to happen at a turn's end. */
const SHARE_OF_FAKE_TIMERS = 0.15
/** So many turns, each begun by what is published from within the one before. */
const MOST_TURNS = 12

/** What went wrong, and at which call of the episode. */
export interface Complaint {
  readonly kind: string
  readonly detail: string
  /** How many calls it takes to come to it. */
  readonly calls: number
}

/** A few managers, one after the other, and thousands of calls at them: the same ones for the same seed. */
export class Episode {
  complaint: Complaint | undefined
  readonly #dice: Dice
  readonly #tally: Tally
  readonly #builtins: Builtins
  readonly #keep = new Keep()
  readonly #immediates = new Immediates()
  #stage: Stage
  #made = 0
  #sinceClosed = 0
  #depth = 0
  #nested = 0
  #current = 'nothing yet'

  constructor(seed: number, tally: Tally, builtins: Builtins) {
    this.#dice = new Dice(seed)
    this.#tally = tally
    this.#builtins = builtins
    this.#stage = this.#freshStage()
  }

  /** Makes so many calls, and ends what is left. Stops at the first complaint. */
  async play(calls: number): Promise<void> {
    try {
      await this.#makeAll(calls)
      await this.#end()
    } catch (error) {
      this.complain(`${this.#current}: something throws that must not`, error)
    } finally {
      this.#immediates.restore()
    }
  }

  async #makeAll(calls: number): Promise<void> {
    while (this.#made < calls && this.complaint === undefined) {
      this.#makeOutermost()
      if (this.#made % CALLS_PER_TURN === 0) await this.#turn()
      if (this.#made % CALLS_PER_TURN === 0 && this.#dice.chance(SHARE_OF_FAKE_TIMERS)) await this.#changeTimers()
      if (this.#made % CALLS_PER_AUDIT === 0) this.#audit()
    }
  }

  /** Notes what must not be. */
  complain(kind: string, detail: unknown = ''): void {
    this.complaint ??= { kind, detail: `at call ${this.#made}, ${this.#current}\n${typeof detail === 'string' ? detail : described(detail)}`, calls: this.#made }
  }

  #freshStage(): Stage {
    this.#tally.managers++
    this.#sinceClosed = 0
    return new Stage(this.#dice, this.#keep, { reenter: () => this.#reenter() }, (objection) => this.complain(`${this.#current}: ${objection}`))
  }

  #makeOutermost(): void {
    this.#nested = 0
    this.#made++
    this.#make(CALLS.draw(this.#dice))
    this.#letTheWorldGoOn()
    if (this.#made % CALLS_PER_SAMPLE === 0) this.#sample()
    if (this.#stage.manager.closed && ++this.#sinceClosed > CALLS_WHEN_CLOSED) this.#retire()
  }

  /** Another call, from within user code. */
  #reenter(): void {
    if (this.#depth >= DEEPEST || this.#nested >= MOST_NESTED) return
    this.#nested++
    this.#tally.nested++
    const outer = this.#current
    this.#depth++
    this.#make(this.#dice.chance(SHARE_OF_ENDS) ? CLEANUP : CALLS.draw(this.#dice))
    this.#depth--
    this.#current = outer
  }

  #make({ name, make }: Call): void {
    const stage = this.#stage
    this.#current = name
    this.#tally.calls++
    try {
      const answer = make(stage)
      this.#current = name
      this.#tally.accept(name)
      const { manager } = stage
      if (manager.connectionCount > 0 && manager.subscriptionCount > 0) this.#tally.acceptedOnState++
      if (answer instanceof Promise) answer.catch((error: unknown) => this.complain(`${name}: its promise rejects`, error))
    } catch (error) {
      this.#current = name
      const code = codeOf(error)
      if (code === undefined) this.complain(`${name}: throws what is no ConnectionManagerError`, error)
      else this.#tally.refuse(name, code)
    }
    this.#look(stage)
  }

  /** What must hold whenever a call has returned, also from within another. */
  #look({ manager }: Stage): void {
    if (!isUnpolluted()) this.complain('Object.prototype has something enumerable')
    const areTotalsDue = this.#depth > 0 || this.#made % CALLS_PER_LOOK_AT_TOTALS === 0
    const objection = objectionToCounts(manager) ?? (areTotalsDue ? objectionToTotals(manager) : undefined)
    if (objection !== undefined) this.complain(objection, JSON.stringify(manager.stats()))
  }

  /** Time passes, and the wall clock is set. */
  #letTheWorldGoOn(): void {
    const { clock } = this.#stage
    if (this.#dice.chance(0.001)) clock.jump(this.#dice.pick([-3_600_000, 1, 86_400_000]))
    if (!this.#dice.chance(0.02)) return
    try {
      clock.advance(this.#dice.pick([0, 1, 10, 60, 2_000]))
    } catch (error) {
      this.complain('a timer throws', error)
    }
  }

  #sample(): void {
    const { connections, users, subscriptions, streams } = this.#tally
    const { manager } = this.#stage
    connections.note(manager.connectionCount)
    users.note(manager.userCount)
    subscriptions.note(manager.subscriptionCount)
    streams.note(manager.streamCount)
  }

  #audit(): void {
    const { manager, setting } = this.#stage
    for (const objection of objectionsToState(manager, setting.streams, setting.ceilings)) this.complain(withoutNames(objection), objection)
    for (const objection of this.#builtins.objections()) this.complain(objection)
  }

  /** What is due at the end of a tick happens, and what was rejected is noticed. */
  #turn(): Promise<void> {
    return this.#immediates.turn()
  }

  /** Swallows immediates from now on, as fake timers do; or has real ones again, and sees that nothing was lost with the others. */
  async #changeTimers(): Promise<void> {
    if (!this.#immediates.areFake) return this.#immediates.fake(this.#dice.chance(0.8))
    this.#immediates.restore()
    const { manager } = this.#stage
    if (!this.#isDelivered()) return
    let stats = manager.stats()
    for (let turns = 0; turns < MOST_TURNS && stats.waiting > 0; turns++) {
      await this.#turn()
      stats = manager.stats()
    }
    this.#current = 'real immediates again'
    if (stats.waiting > 0 && stats.connectionsBehind === 0) this.complain('A batch was never written', JSON.stringify(stats))
  }

  /** Whether a message can be delivered now: with the next one, a turn whose end was lost is noticed. */
  #isDelivered(): boolean {
    const [connection] = this.#stage.manager.connections()
    try {
      return connection !== undefined && connection.send('.').matched === 1 && !connection.removed
    } catch {
      return false
    }
  }

  /** Sees a manager off that is closed, and takes the next. */
  #retire(): void {
    this.#tally.noteDeliveries(this.#stage.manager.stats())
    this.#stage = this.#freshStage()
  }

  async #end(): Promise<void> {
    const { clock, manager } = this.#stage
    this.#immediates.restore()
    this.#audit()
    this.#current = 'cleanup at the end'
    const report = manager.cleanup({ deadlineMs: this.#dice.pick([0, 1_000]) })
    this.#stage.fallSilent()
    for (let i = 0; i < 3; i++) {
      await this.#turn()
      clock.advance(LONG_MS)
    }
    await report
    this.#audit()
    this.#lookAtWhatIsLeft()
    this.#tally.noteDeliveries(manager.stats())
  }

  #lookAtWhatIsLeft(): void {
    const { clock, manager } = this.#stage
    const { waiting, waitingBytes, connectionsBehind } = manager.stats()
    if (manager.connectionCount + manager.subscriptionCount + manager.activeStreams().length > 0) this.complain('Something is left after cleanup()')
    if (waiting + waitingBytes + connectionsBehind > 0) this.complain('Something waits after cleanup()')
    if (clock.pendingTimers > 0) this.complain('A timer is left after cleanup()')
  }
}

function withoutNames(objection: string): string {
  return objection.replace(/: ".*$/s, '')
}
