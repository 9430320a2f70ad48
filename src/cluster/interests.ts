import type { ChannelName } from '../model/channel.ts'
import type { Clock } from '../time/clock.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import type { Interest } from './interest.ts'
import type { Link } from './link.ts'
import { partsOf } from './parts.ts'
import type { Receiving } from './receiving.ts'
import type { SubjectSet } from './subject-set.ts'
import type { Subjects } from './subjects.ts'

// The only global of the runtime that this file uses.
declare function queueMicrotask(fn: () => void): void

export interface InterestsDependencies {
  readonly clock: Clock
  readonly node: string
  readonly idleDelayMs: number
  readonly repairTimeoutMs: number
  readonly subjectSet: SubjectSet
  readonly receiving: Receiving
  readonly link: Pick<Link, 'send' | 'roundTripMs'>
  readonly subjects: Pick<Subjects, 'control'>
  make(channel: ChannelName): Interest
  /**
   * Called after each request of `sync` that was sent, when the nodes that publish in its channels have had time to answer with the numbers of their
   * last messages.
   */
  synced(): void
}

/**
 * The nodes that publish in a channel are its origins. They have at least this time to answer, even if the broker is fast, unless half of
 * `repairTimeoutMs` is shorter. Milliseconds.
 */
const LEAST_ANSWER_MS = 20

/**
 * How many times the origins of a channel are asked again. A request or an answer may be lost. A node does not know all origins, so it cannot notice
 * that an answer is missing.
 */
const REPEATS = 3

/**
 * The channels that this node wants. When a node begins to want a channel, it subscribes to the channel at the broker. When it no longer wants the
 * channel, it unsubscribes. The nodes that publish in a channel are its origins. Once a node is subscribed, it asks the channel's origins for the
 * numbers of their last messages. One request can name many channels.
 */
export class Interests {
  readonly #dependencies: InterestsDependencies
  readonly #bySubject = new Map<string, Interest>()
  /** Channels for which `ready` was called. Each is kept for `idleDelayMs` after `ready` has ended, so that the client can subscribe. */
  readonly #kept: ExpiringSet<Interest>
  readonly #keeping = new Set<Interest>()
  /** Interest → how many more times the origins of its channel are asked. */
  readonly #unsure = new Map<Interest, number>()
  /**
   * Channels that this node no longer wants, and of which the other nodes have not been told yet. A microtask tells them of all these channels
   * together.
   */
  #left: ChannelName[] = []

  constructor(dependencies: InterestsDependencies) {
    this.#dependencies = dependencies
    this.#kept = new ExpiringSet(dependencies.clock, dependencies.idleDelayMs, (expired) => expired.forEach((each) => this.#stopKeeping(each)))
  }

  get count(): number {
    return this.#bySubject.size
  }

  channels(): ChannelName[] {
    return Array.from(this.#bySubject.values(), ({ channel }) => channel)
  }

  /** Notes one more reason to want a channel. */
  gain(channel: ChannelName): Interest {
    const interest = this.#dependencies.receiving.find(channel) ?? this.#begin(channel)
    interest.uses++
    return interest
  }

  /** Notes that one reason to want a channel is gone. */
  lose(channel: ChannelName): void {
    const interest = this.#dependencies.receiving.find(channel)
    if (interest !== undefined) this.#release(interest)
  }

  /** Makes this node want the channel until `idleDelayMs` from now, even if there is no other reason. */
  keep(interest: Interest): void {
    if (!this.#keeping.has(interest)) interest.uses++
    this.#keeping.add(interest)
    this.#kept.delete(interest)
    this.#kept.add(interest)
  }

  /** Call when this node has been subscribed to these subjects at the broker. */
  subscribed(subjects: readonly string[]): void {
    const gained = subjects.flatMap((subject) => this.#bySubject.get(subject) ?? [])
    for (const interest of gained) interest.isSubscribed = true
    this.sync(gained)
  }

  /**
   * Asks the origins of these channels for the numbers of their last messages. Once the origins have had time to answer, the channels count as
   * synced. If the link cannot send the request, only `syncAgain` asks, and this call does not make the channels count as synced.
   */
  sync(interests: readonly Interest[]): void {
    const { clock, link, repairTimeoutMs, synced } = this.#dependencies
    for (const part of partsOf(interests)) {
      for (const interest of part) this.#unsure.set(interest, REPEATS)
      if (!this.#ask(part)) continue
      // A client that waits for the answers waits no longer than `repairTimeoutMs`, and messages may have to be repaired after them.
      const answerMs = Math.min(Math.max(LEAST_ANSWER_MS, 4 * link.roundTripMs), repairTimeoutMs / 2)
      clock.setTimeout(() => {
        for (const interest of part) interest.isSynced = true
        synced()
      }, answerMs)
    }
  }

  /**
   * Asks the origins again about the channels of recent `sync` calls. If an origin answers only now, this node asks it for missing messages, or tells
   * subscribers of a gap.
   */
  syncAgain(): void {
    const asked = [...this.#unsure.keys()]
    for (const [interest, left] of this.#unsure) {
      if (left > 1) this.#unsure.set(interest, left - 1)
      else this.#unsure.delete(interest)
    }
    for (const part of partsOf(asked)) this.#ask(part)
  }

  /** Returns false if the link could not send the request. */
  #ask(interests: readonly Interest[]): boolean {
    const { link, node, subjects } = this.#dependencies
    return link.send(subjects.control, { kind: 'sync', node, channels: interests.map(({ channel }) => channel) })
  }

  #begin(channel: ChannelName): Interest {
    const { make, receiving, subjectSet } = this.#dependencies
    const interest = make(channel)
    this.#bySubject.set(interest.subject, interest)
    receiving.begin(interest)
    subjectSet.want(interest.subject)
    return interest
  }

  #stopKeeping(interest: Interest): void {
    this.#keeping.delete(interest)
    this.#release(interest)
  }

  #release(interest: Interest): void {
    if (--interest.uses > 0) return
    const { receiving, subjectSet } = this.#dependencies
    this.#bySubject.delete(interest.subject)
    this.#unsure.delete(interest)
    receiving.end(interest)
    subjectSet.unwant(interest.subject)
    if (this.#left.length === 0) queueMicrotask(() => this.#tellLeft())
    this.#left.push(interest.channel)
  }

  #tellLeft(): void {
    const { link, node, subjects } = this.#dependencies
    const left = this.#left
    this.#left = []
    for (const part of partsOf(left)) link.send(subjects.control, { kind: 'left', node, channels: part })
  }
}
