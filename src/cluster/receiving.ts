import { Alarm } from '../time/alarm.ts'
import type { Clock } from '../time/clock.ts'
import type { ChannelName } from '../model/channel.ts'
import type { OwnEpoch } from '../ports/channel-log.ts'
import type { AnswerFrame, Frame, MessageFrame, Progress } from './frame.ts'
import { channelKey, type Interest } from './interest.ts'
import type { Origin } from './origin.ts'

export interface ReceivingDependencies {
  readonly clock: Clock
  readonly node: string
  readonly repairTimeoutMs: number
  /**
   * How many UTF-16 units of messages may wait here because earlier messages are missing. Each message counts 64 units in addition to its text. The
   * limit is for all channels together.
   */
  readonly maxHeldUnits: number
  /** Sends a frame to one node. */
  sendTo(node: string, frame: Frame): void
  isUp(): boolean
  /** Called when this node's wait for an origin's answer may be over, or when this node has reached the message number that a client waits for. */
  settled(): void
}

/** Counts of what happened to the messages of other nodes. */
export interface ReceivingCounts {
  received: number
  duplicates: number
  unwanted: number
  repaired: number
  repairs: number
}

/**
 * How many times a node that comes back again and again is asked for the same messages. Without a limit, two nodes that ask each other would never
 * stop.
 */
const MOST_ASKED_AGAIN = 5

interface Wait {
  readonly interest: Interest
  readonly origin: Origin
  readonly dueMs: number
}

/**
 * Takes the messages of other nodes. A node that publishes in a channel is an origin of the channel. Each message is taken once. Within a channel,
 * the messages of one origin are taken in the order in which the origin published them.
 *
 * If messages are missing, this node asks their origin for them. If the origin does not answer, this node asks up to `mostQuestions` times, and again
 * if the link or the origin was down meanwhile. Each time, the origin has `repairTimeoutMs` to answer. If the link goes down meanwhile, this time
 * begins anew when the link is up again. Messages that have not arrived after the last time are reported as missing. If too many messages wait for
 * missing ones, these are reported earlier.
 */
export class Receiving {
  readonly counts: ReceivingCounts = { received: 0, duplicates: 0, unwanted: 0, repaired: 0, repairs: 0 }
  readonly #dependencies: ReceivingDependencies
  readonly #interests = new Map<string, Interest>()
  /** The origins whose answers this node waits for. The oldest wait is first. */
  readonly #waits = new Map<Origin, Wait>()
  #heldUnits = 0
  readonly #alarm: Alarm

  constructor(dependencies: ReceivingDependencies) {
    this.#dependencies = dependencies
    this.#alarm = new Alarm(dependencies.clock, () => this.#endWaits())
  }

  find(channel: ChannelName): Interest | undefined {
    return this.#interests.get(channelKey(channel))
  }

  interests(): Iterable<Interest> {
    return this.#interests.values()
  }

  /** Returns the channels that this node began to want within the last `ms` milliseconds, and to which it is subscribed at the broker. */
  wantedSince(ms: number): ChannelName[] {
    const fromMs = this.#dependencies.clock.monotonic() - ms
    return [...this.#interests.values()].filter(({ isSubscribed, sinceMs }) => isSubscribed && sinceMs >= fromMs).map(({ channel }) => channel)
  }

  /** Call when this node begins to want a channel. What the node knew about the channel before may be out of date. */
  begin(interest: Interest): void {
    this.#interests.set(channelKey(interest.channel), interest)
    this.#doubt(interest)
  }

  /**
   * Call when this node no longer wants a channel. The channel's messages no longer arrive, so the node's knowledge of the channel becomes outdated.
   */
  end(interest: Interest): void {
    this.#interests.delete(channelKey(interest.channel))
    for (const origin of interest.origins()) {
      this.#waits.delete(origin)
      this.#heldUnits -= origin.heldUnits
    }
  }

  /** Call when the link goes up or down. While the link was down, this node may have missed any message. */
  linkChanged(isUp: boolean): void {
    if (!isUp) return this.#alarm.cancel()
    for (const interest of this.#interests.values()) this.#doubt(interest)
    for (const { interest, origin } of [...this.#waits.values()]) this.#ask(interest, origin)
  }

  stop(): void {
    this.#alarm.cancel()
    this.#waits.clear()
    this.#interests.clear()
  }

  message({ channel, node, epoch, ageMs, message }: MessageFrame): void {
    this.counts.received++
    const interest = this.find(channel)
    if (interest === undefined || interest.destination.isOwn(epoch)) return void this.counts.unwanted++
    const { isLatest, isReplacing } = interest.destination
    const origin = this.#originOf(interest, node, { epoch, ageMs, lastAgeMs: 0, seq: isLatest && !isReplacing ? 0 : message.seq - 1 })
    this.#change(origin, () => {
      if (!origin.take(message)) this.counts.duplicates++
    })
    this.#update(interest, origin)
    this.#keepWithin()
  }

  /** Call when an origin has reported its last number. */
  progress(node: string, { channel, epoch, seq, ageMs, lastAgeMs }: Progress): void {
    const interest = this.find(channel)
    if (interest === undefined || interest.destination.isOwn(epoch)) return
    // A newcomer to a `latest` channel gets the last value of each stream.
    const origin = this.#originOf(interest, node, { epoch, ageMs, lastAgeMs, seq: interest.destination.isLatest ? 0 : seq })
    origin.expect(seq)
    this.#update(interest, origin)
  }

  answer({ channel, epoch, node, first, last, isLast, messages }: AnswerFrame): void {
    const interest = this.find(channel)
    const origin = interest?.find(epoch)
    if (interest === undefined || origin === undefined || (origin.node !== undefined && origin.node !== node)) return
    const older = messages.filter(({ seq }) => seq <= origin.forgotten)
    if (older.length > 0) interest.destination.complete(epoch, older)
    if (isLast && first >= origin.askedFrom) origin.answeredFrom = Math.min(origin.answeredFrom, first)
    this.#change(origin, () => (this.counts.repaired += origin.takeAgain(messages, { first, last }, isLast)))
    this.#update(interest, origin)
    if (!isLast && this.#waits.has(origin)) this.#wait(interest, origin)
    this.#dependencies.settled()
  }

  /**
   * Asks an origin for its messages after number `seq`, up to the last one that is missing from this node's history. Does nothing if the origin was
   * asked for these messages already, or if its node is not known yet.
   */
  complete(interest: Interest, origin: Origin, seq: number): void {
    if (origin.node === undefined || origin.askedFrom <= seq + 1) return
    const { channel } = interest
    const { epoch, forgotten } = origin
    origin.askedFrom = seq + 1
    this.#dependencies.sendTo(origin.node, { kind: 'ask', node: this.#dependencies.node, channel, epoch, first: seq + 1, last: forgotten })
  }

  /**
   * Call when a node has come back. That node might not have received earlier requests. So this node repeats them, at most `MOST_ASKED_AGAIN` times,
   * and the full time to answer starts again. Returns the channels in which the caller must ask that node for the number of its last message.
   */
  cameBack(node: string): ChannelName[] {
    const waits = [...this.#waits.values()].filter(({ origin }) => origin.node === node && origin.timesAskedAgain < MOST_ASKED_AGAIN)
    for (const { interest, origin } of waits) this.#askAgain(interest, origin)
    return [...new Set(waits.filter(({ origin }) => origin.isInDoubt).map(({ interest }) => interest.channel))]
  }

  /**
   * Returns the origin of an epoch. If an epoch that is new to this node may have begun before this node wanted the channel, the messages up to
   * number `own.seq` are skipped. If the epoch began later, no message is skipped. An origin that was forgotten continues at the number that it had
   * reached.
   */
  #originOf(interest: Interest, node: string, own: OwnEpoch): Origin {
    const origin = interest.originOf(own.epoch, node)
    if (interest.destination.knownOf(own.epoch) !== undefined) return origin
    const leftAt = interest.leftAt(own.epoch)
    // Subscribers have all messages up to number `leftAt`, or were told that some are missing.
    if (leftAt !== undefined) origin.skipTo(leftAt, false)
    else this.#begin(interest, origin, own)
    for (const each of interest.forgotten()) this.#forget(interest, each)
    return origin
  }

  #begin({ destination, hasEarlySubscribers, isSynced, sinceMs }: Interest, origin: Origin, { seq, ageMs, lastAgeMs }: OwnEpoch): void {
    const wantedForMs = this.#dependencies.clock.monotonic() - sinceMs
    const isYounger = ageMs < wantedForMs
    const mayBeMissed = isSynced || (hasEarlySubscribers && lastAgeMs <= wantedForMs)
    origin.skipTo(isYounger ? 0 : seq, mayBeMissed && !destination.isLatest)
  }

  #forget(interest: Interest, origin: Origin): void {
    this.#waits.delete(origin)
    this.#heldUnits -= origin.heldUnits
    interest.forget(origin)
  }

  #doubt(interest: Interest): void {
    for (const origin of interest.origins()) {
      origin.isInDoubt = true
      origin.timesAskedAgain = 0
      origin.doubtAnswer()
      this.#wait(interest, origin)
    }
  }

  /** Asks an origin for missing messages. If none are missing, ends the wait for the origin. */
  #update(interest: Interest, origin: Origin): void {
    origin.isInDoubt = false
    if (origin.hasHole) return this.#ask(interest, origin)
    origin.timesAskedAgain = 0
    const isAwaited = origin.seq >= origin.awaited
    if (isAwaited) origin.awaited = Infinity
    if (this.#waits.delete(origin) || isAwaited) this.#dependencies.settled()
  }

  #askAgain(interest: Interest, origin: Origin): void {
    origin.timesAskedAgain++
    if (origin.isInDoubt) return this.#wait(interest, origin)
    origin.doubtAnswer()
    this.#ask(interest, origin)
  }

  /**
   * Asks an origin for its missing messages. The origin has `repairTimeoutMs` to answer. A long answer comes in parts, and each part starts this time
   * again.
   */
  #ask(interest: Interest, origin: Origin): void {
    const { epoch, node, question } = origin
    if (question === undefined || node === undefined) return
    if (!this.#waits.has(origin)) this.counts.repairs++
    origin.noteAsked(question)
    this.#wait(interest, origin)
    this.#dependencies.sendTo(node, { kind: 'ask', node: this.#dependencies.node, channel: interest.channel, epoch, ...question })
  }

  #wait(interest: Interest, origin: Origin): void {
    const { clock, repairTimeoutMs } = this.#dependencies
    this.#waits.delete(origin)
    this.#waits.set(origin, { interest, origin, dueMs: clock.monotonic() + repairTimeoutMs })
    this.#setAlarm()
  }

  #endWaits(): void {
    const nowMs = this.#dependencies.clock.monotonic()
    for (const { interest, origin, dueMs } of [...this.#waits.values()]) if (dueMs <= nowMs) this.#endWait(interest, origin)
    this.#setAlarm()
    this.#dependencies.settled()
  }

  #endWait(interest: Interest, origin: Origin): void {
    if (!origin.mayAskAgain()) return this.#giveUp(interest, origin)
    origin.doubtAnswer()
    this.#ask(interest, origin)
  }

  #giveUp(interest: Interest, origin: Origin): void {
    if (origin.isInDoubt) {
      this.#forget(interest, origin)
      return interest.destination.giveUp(origin.epoch)
    }
    this.#waits.delete(origin)
    this.#change(origin, () => origin.giveUp())
  }

  /**
   * If too many messages wait because earlier ones are missing, gives up the missing messages of one origin after the other, until few enough
   * messages wait. Giving up means: the missing messages are reported, and the messages that waited for them are delivered. If the link was down, and
   * the origin has not reported its last number since then, the messages that waited are dropped, and a gap of unknown size is reported.
   */
  #keepWithin(): void {
    if (this.#heldUnits <= this.#dependencies.maxHeldUnits) return
    for (const { interest, origin } of [...this.#waits.values()]) {
      if (this.#heldUnits <= this.#dependencies.maxHeldUnits) return
      if (origin.heldUnits > 0) this.#giveUp(interest, origin)
    }
  }

  #change(origin: Origin, act: () => void): void {
    const before = origin.heldUnits
    try {
      act()
    } finally {
      this.#heldUnits += origin.heldUnits - before
    }
  }

  #setAlarm(): void {
    const [first] = this.#waits.values()
    if (first !== undefined && this.#dependencies.isUp()) this.#alarm.set(Math.max(0, Math.ceil(first.dueMs - this.#dependencies.clock.monotonic())))
  }
}
