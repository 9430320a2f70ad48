import { ConnectionManager, type Recorder, type StreamCatalogue } from '../../../../src/index.ts'
import { Dice } from '../../../support/dice.ts'
import { described } from '../faults.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { CHANGES, REACTIONS, type Means } from './changes.ts'
import { Choice } from './choice.ts'
import type { Client } from './client.ts'
import { compareStates } from './comparison.ts'
import { Deeds, MOST_CLIENTS } from './deeds.ts'
import { nothing, type Happenings } from './happenings.ts'
import { describe, type Message } from './message.ts'
import { Model } from './model.ts'
import type { Manager, Scene } from './scene.ts'
import type { ClientSocket, Temper } from './sockets.ts'
import { catalogue } from './streams.ts'
import { Witness, type Reacting } from './witness.ts'

/** Publishes of one round: few enough that a fault is had again soon. */
export const PUBLISHES_PER_ROUND = 100_000

const PUBLISHES_PER_TICK = 32
const PUBLISHES_PER_AUDIT = 50_000
const CHANGES_PER_PUBLISH = 0.12
const FLURRIES_PER_PUBLISH = 0.01
const MOST_IN_A_FLURRY = 8
/** Clients that read all they were sent, in each tick. */
const DRAINS_PER_TICK = 48
const SHARE_OF_POLLS = 0.05
const POLL_MS = 50
/** Reactions in a row, and within one call of ours. */
const MOST_REACTIONS = 4
const MOST_NESTED = 12
const MOST_TURNS = 5
const LONG_MS = 3_600_000

/** What went wrong, and how many publishes it takes to come to it. */
export interface Complaint {
  readonly kind: string
  readonly detail: string
  readonly publishes: number
}

/**
 * One manager with its users, their connections and their sockets, beside a model of all that.
 *
 * Whatever is done is done to both. Every text that reaches a socket is held against what the model says is owed to it; what is
 * owed and does not arrive is found as soon as it must have.
 */
export class Round implements Scene, Reacting, Means {
  complaint: Complaint | undefined
  readonly dice: Dice
  readonly model: Model
  readonly manager: Manager
  readonly choice: Choice
  readonly deeds: Deeds
  readonly happenings: Happenings = nothing()
  readonly gone: Client[] = []
  doing = 'nothing yet'
  depth = 0
  isPeaceful = false
  readonly isRecording: boolean
  readonly #clock = new ManualClock()
  /** Publishes of its own accord: those from within others come on top. */
  #done = 0
  #nested = 0

  constructor(seed: number, users: number) {
    this.dice = new Dice(seed)
    this.model = new Model(users)
    this.choice = new Choice(this.dice, this.model)
    const witness = new Witness(this, this)
    // Every other round, so that also a short run has both.
    this.isRecording = seed % 2 === 1
    this.deeds = new Deeds(this, witness)
    this.manager = new ConnectionManager<ClientSocket, StreamCatalogue>({
      streams: catalogue,
      clock: this.#clock,
      pendingTtlMs: Infinity,
      serializeNotice: (notice) => this.deeds.noticeText(notice),
      ...(this.isRecording && { recorder: recorderBy(witness) }),
      authorize: ({ userId, streamType }) => this.deeds.isAllowed(userId, streamType),
      delivery: { softLimitBytes: 400, hardLimitBytes: this.dice.chance(0.5) ? Infinity : 9_000, drainIntervalMs: POLL_MS },
    })
    this.manager.on('error', () => {})
    this.manager.on('connectionRemoved', ({ connection, reason }) => witness.noteRemoval(connection.id, reason))
  }

  readonly complain = (kind: string, detail = ''): void => {
    const publishes = Math.max(this.#done, 1)
    this.complaint ??= { kind, detail: `at publish ${publishes}, ${this.doing}\n${detail}`, publishes }
  }

  /** Publishes so many messages while everything changes, and sees to all of them to their end. */
  async play(publishes: number): Promise<void> {
    try {
      this.#populate()
      await this.#publishAll(publishes)
      if (this.complaint === undefined) await this.#finish()
    } catch (error) {
      this.complain('Something throws', described(error))
    }
  }

  reactAs(client: Client, message: Message | undefined): void {
    const outer = this.doing
    this.depth++
    for (let reactions = 1 + this.dice.below(MOST_REACTIONS); reactions > 0 && this.#nested < MOST_NESTED; reactions--) {
      this.#nested++
      this.happenings.nested++
      this.#attempt(() => REACTIONS.draw(this.dice)(this, this.choice.subjectFor(client, message)))
    }
    this.depth--
    this.doing = outer
  }

  reactWhileSerializing(): void {
    const client = this.choice.clientOf(this.model.running?.owner ?? this.choice.user())
    if (client !== undefined && this.depth <= 2) this.reactAs(client, undefined)
  }

  #populate(): void {
    this.#peacefully(() => {
      for (const user of this.model.users) {
        for (let clients = this.dice.below(MOST_CLIENTS); clients > 0; clients--) this.#outermost(() => this.deeds.connect(user))
      }
    })
  }

  async #publishAll(publishes: number): Promise<void> {
    while (this.#done < publishes && this.complaint === undefined) {
      const done = ++this.#done
      this.#outermost(() => this.#publishSomething())
      if (this.dice.chance(CHANGES_PER_PUBLISH)) this.#outermost(() => CHANGES.draw(this.dice)(this))
      if (this.dice.chance(FLURRIES_PER_PUBLISH)) this.#flurry()
      if (done % PUBLISHES_PER_TICK === 0) await this.#tick()
      if (done % PUBLISHES_PER_AUDIT === 0) this.#audit()
    }
  }

  /** Much about one user and one stream, one after the other, before the tick is over. */
  #flurry(): void {
    const user = this.choice.user()
    const stream = this.choice.streamHeldBy(user)
    for (let deeds = 2 + this.dice.below(MOST_IN_A_FLURRY - 1); deeds > 0; deeds--) {
      this.#outermost(() => REACTIONS.draw(this.dice)(this, this.choice.subjectOf(user, stream)))
    }
  }

  #publishSomething(): void {
    const user = this.choice.user()
    this.deeds.publish(this.choice.streamToPublish(user), user)
  }

  /** One call of ours, at the end of which everything has arrived that is to arrive at once. */
  #outermost(act: () => void): void {
    const { model } = this
    model.rest()
    this.#nested = 0
    this.depth = 1
    this.#attempt(act)
    this.depth = 0
    model.rest()
    if (model.owedPromptly !== 0) this.#complainOfMissing('A message did not arrive', ({ isPrompt }) => isPrompt)
  }

  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.complain('Something throws', described(error))
    }
  }

  #peacefully(act: () => void): void {
    this.isPeaceful = true
    act()
    this.isPeaceful = false
  }

  #complainOfMissing(kind: string, isMeant: (temper: Temper) => boolean): void {
    const client = [...this.model.clients, ...this.gone].find(({ temper, owed }) => isMeant(temper) && owed > 0)
    this.complain(kind, client?.oldest === undefined ? 'and nobody misses it: the accounts are wrong' : describe(client.oldest, client))
  }

  // Time

  async #tick(): Promise<void> {
    const { model } = this
    model.rest()
    this.#nested = 0
    await this.#turn()
    // What was published from within is due a turn later.
    for (let turns = 1; turns < MOST_TURNS && model.owedThisTick !== 0; turns++) await this.#turn()
    model.closeOpen(true)
    if (model.owedThisTick !== 0) this.#complainOfMissing('A message did not arrive by the end of the tick', ({ isPrompt, mayWait }) => !isPrompt && !mayWait)
    for (let drains = 0; drains < DRAINS_PER_TICK; drains++) this.#drainSomebody()
    if (this.dice.chance(SHARE_OF_POLLS)) this.#outermost(() => this.#clock.advance(POLL_MS))
    this.happenings.mostBehind = Math.max(this.happenings.mostBehind, this.manager.stats().connectionsBehind)
  }

  /** The end of a tick: what is flushed there is not within any call of ours. */
  async #turn(): Promise<void> {
    this.depth = 1
    await new Promise((resolve) => void setImmediate(resolve))
    this.model.rest()
    this.depth = 0
  }

  #drainSomebody(): void {
    const client = this.choice.clientOf(this.choice.user())
    if (client?.temper.mayWait === true) this.#outermost(() => client.socket.drain())
  }

  // Accounts

  #audit(): void {
    for (const objection of this.model.brute()) this.complain(objection)
    for (const objection of compareStates(this.manager, this.model)) this.complain('The manager holds something else than the model', objection)
  }

  /** Lets everything leave, or nothing, ends the manager, and looks whether all is accounted for. */
  async #finish(): Promise<void> {
    this.#audit()
    this.isPeaceful = true
    if (this.dice.chance(0.7)) await this.#letEverythingLeave()
    await this.#cleanUp()
    this.#compareAccounts()
  }

  async #letEverythingLeave(): Promise<void> {
    const { model } = this
    for (const { socket } of model.clients) {
      socket.isFast = true
      this.#outermost(() => socket.drain())
    }
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      await this.#turn()
      this.#outermost(() => this.#clock.advance(POLL_MS))
    }
    model.closeOpen(false)
    if ([...model.clients].some(({ owed }) => owed > 0)) this.#complainOfMissing('A message waited, and did not arrive when there was room', () => true)
  }

  async #cleanUp(): Promise<void> {
    this.doing = 'cleanup'
    const clients = [...this.model.clients]
    for (const client of clients) this.model.takeOut(client)
    const report = this.manager.cleanup()
    for (const client of clients) this.model.forget(client)
    await this.#turn()
    this.#clock.advance(LONG_MS)
    await report
  }

  #compareAccounts(): void {
    const stats = this.manager.stats()
    const { accounts } = this.model
    const facts: readonly (readonly [what: string, isRight: boolean])[] = [
      ['matched', this.isRecording ? stats.matched >= accounts.matched + accounts.told : stats.matched === accounts.matched],
      ['sent', stats.sent === accounts.arrived + accounts.told],
      ['rejected', stats.rejected === accounts.rejected],
      ['waiting', stats.waiting === 0],
      // What was withdrawn may have been conflated or dropped before: nobody has seen it.
      ['conflated', stats.conflated >= accounts.conflated],
      ['dropped', stats.dropped >= accounts.dropped],
    ]
    for (const [what, isRight] of facts) if (!isRight) this.complain(`stats(): ${what} is not what happened`, JSON.stringify({ stats, accounts }))
  }
}

/** A recorder that leaves the texts as they are, and lets the witness see them. */
function recorderBy(witness: Witness): Recorder<never> {
  return { attach: () => {}, record: (_message, text) => witness.recording(text), skip: (_message, text) => witness.skipping(text) }
}
