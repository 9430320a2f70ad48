import type { ChannelName } from '../model/channel.ts'
import type { Backplane } from '../ports/backplane.ts'
import type { Clock } from '../time/clock.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import { channelKey } from './interest.ts'
import type { Subjects } from './subjects.ts'

export interface DemandDependencies {
  readonly backplane: Pick<Backplane, 'subscribers'>
  readonly subjects: Subjects
  readonly clock: Clock
  readonly idleDelayMs: number
  isWantedHere(channel: ChannelName): boolean
  /** `isActive` is true if a node wants the channel and no node wanted it before. It is false if no node wants the channel any more. */
  changed(channel: ChannelName, isActive: boolean): void
  report(error: unknown): void
}

/**
 * How many channels one call of `lookUpSome` looks up in the broker's table of subscribers. The lookups are needed because a node may die without
 * reporting that it no longer wants its channels.
 */
const LOOKUPS_OF_A_TURN = 50

/**
 * The channels that at least one node wants, or wanted a moment ago. The node that publishes the channels needs this list. Channels are tracked only
 * after a call of `follow`, because nobody listens before this call.
 *
 * Each node reports which channels it wants, and which channels it no longer wants. If a node no longer wants a channel, or if the broker's table has
 * no subscriber for it, the channel is looked up after `idleDelayMs`. The channel is idle if the table then has no subscriber for it, and no node has
 * reported meanwhile that it wants the channel.
 */
export class Demand {
  #isFollowed = false
  readonly #dependencies: DemandDependencies
  readonly #active = new Map<string, ChannelName>()
  readonly #doubted: ExpiringSet<string>
  #turn: IterableIterator<string> | undefined

  constructor(dependencies: DemandDependencies) {
    this.#dependencies = dependencies
    this.#doubted = new ExpiringSet(dependencies.clock, dependencies.idleDelayMs, (keys) => keys.forEach((key) => void this.#endIfUnwanted(key)))
  }

  get isFollowed(): boolean {
    return this.#isFollowed
  }

  /** Begins to track the channels. */
  follow(): void {
    this.#isFollowed = true
  }

  /** Call when a node has reported that it wants these channels. */
  wanted(channels: Iterable<ChannelName>): void {
    if (!this.#isFollowed) return
    for (const channel of channels) {
      const key = channelKey(channel)
      const isNew = !this.#active.has(key)
      this.#doubted.delete(key)
      // Store a new object each time, so that the result of a lookup that is already running is ignored.
      this.#active.set(key, { ...channel })
      if (isNew) this.#dependencies.changed(channel, true)
    }
  }

  /** Call when a node no longer wants these channels. Other nodes may still want them. */
  left(channels: Iterable<ChannelName>): void {
    for (const channel of channels) {
      const key = channelKey(channel)
      if (this.#active.has(key)) this.#doubted.add(key)
    }
  }

  /** Looks up the next channels in the broker's table, in turn. Call this method regularly while the broker can be reached. */
  lookUpSome(): void {
    for (let lookups = 0; lookups < LOOKUPS_OF_A_TURN; lookups++) {
      const { value: key, done } = (this.#turn ??= this.#active.keys()).next()
      if (done === true) return void (this.#turn = undefined)
      void this.#doubtIfUnwanted(key as string)
    }
  }

  stop(): void {
    this.#active.clear()
  }

  async #doubtIfUnwanted(key: string): Promise<void> {
    if ((await this.#findUnwanted(key)) !== undefined) this.#doubted.add(key)
  }

  async #endIfUnwanted(key: string): Promise<void> {
    const channel = await this.#findUnwanted(key)
    if (channel === undefined) return
    this.#active.delete(key)
    this.#dependencies.changed(channel, false)
  }

  /** Returns an active channel if the broker's table has no subscriber for it, and no node has reported meanwhile that it wants the channel. */
  async #findUnwanted(key: string): Promise<ChannelName | undefined> {
    const { backplane, subjects, isWantedHere, report } = this.#dependencies
    const channel = this.#active.get(key)
    if (channel === undefined || isWantedHere(channel)) return undefined
    try {
      const isWanted = (await backplane.subscribers(subjects.channel(channel))) > 0 || isWantedHere(channel)
      return isWanted || this.#active.get(key) !== channel ? undefined : channel
    } catch (error) {
      // The broker is not there. The channel is looked up again in a later turn. The error is reported, unless the channel is not tracked any more.
      if (this.#active.has(key)) report(error)
      return undefined
    }
  }
}
