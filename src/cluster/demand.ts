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
  /** `isActive` is true if a node wants the channel and none did before, and false if no node wants it any more. */
  changed(channel: ChannelName, isActive: boolean): void
  report(error: unknown): void
}

/** How many channels are looked up in the broker's table in one turn. A node may have died without saying that it wants a channel no more. */
const LOOKUPS_OF_A_TURN = 50

/**
 * The channels that any node wants, for the node that publishes them. They are tracked only after a call of `follow`, so only if somebody listens.
 *
 * Each node says which channels it wants, and which ones it wants no more. If the broker's table has no subscriber for a channel, the channel is
 * looked up again after `idleDelayMs`. The channel is idle if it still has no subscriber, and no node has said meanwhile that it wants it.
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

  /** Tracks the channels from now on. */
  follow(): void {
    this.#isFollowed = true
  }

  /** A node wants these channels. */
  wanted(channels: Iterable<ChannelName>): void {
    if (!this.#isFollowed) return
    for (const channel of channels) {
      const key = channelKey(channel)
      const isNew = !this.#active.has(key)
      this.#doubted.delete(key)
      // Another object each time: a lookup that has begun before is not believed.
      this.#active.set(key, { ...channel })
      if (isNew) this.#dependencies.changed(channel, true)
    }
  }

  /** A node wants these channels no more. Others may still want them. */
  left(channels: Iterable<ChannelName>): void {
    for (const channel of channels) {
      const key = channelKey(channel)
      if (this.#active.has(key)) this.#doubted.add(key)
    }
  }

  /** Looks some channels up, in turn. Call it now and then while the broker is there. */
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

  /** Returns an active channel if the broker's table has no subscriber for it, and no node has said meanwhile that it wants it. */
  async #findUnwanted(key: string): Promise<ChannelName | undefined> {
    const { backplane, subjects, isWantedHere, report } = this.#dependencies
    const channel = this.#active.get(key)
    if (channel === undefined || isWantedHere(channel)) return undefined
    try {
      const isWanted = (await backplane.subscribers(subjects.channel(channel))) > 0 || isWantedHere(channel)
      return isWanted || this.#active.get(key) !== channel ? undefined : channel
    } catch (error) {
      // The broker is not there. The channel gets another turn, unless nobody follows it any more.
      if (this.#active.has(key)) report(error)
      return undefined
    }
  }
}
