import type { ChannelName } from '../model/channel.ts'
import type { Clock } from '../time/clock.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import type { Backplane } from './backplane.ts'
import { channelKey } from './interest.ts'
import type { Subjects } from './subjects.ts'

export interface DemandDependencies {
  readonly backplane: Pick<Backplane, 'subscribers'>
  readonly subjects: Subjects
  readonly clock: Clock
  readonly idleDelayMs: number
  isWantedHere(channel: ChannelName): boolean
  /** A channel is wanted by the first node, or by none any more. */
  changed(channel: ChannelName, isActive: boolean): void
  report(error: unknown): void
}

/** So many channels are looked up in the broker's table in one turn, in case a node died without saying that it wants them no more. */
const LOOKUPS_OF_A_TURN = 50

/**
 * The channels that any node wants, for the node that publishes them. It knows of them only if somebody listens.
 *
 * A node says which channels it wants now, and which no more. A channel counts as active until the broker's table has had nobody for `idleDelayMs`.
 */
export class Demand {
  #isFollowed = false
  readonly #dependencies: DemandDependencies
  readonly #active = new Map<string, ChannelName>()
  readonly #doubted: ExpiringSet<string>
  #turn: IterableIterator<string> | undefined

  constructor(dependencies: DemandDependencies) {
    this.#dependencies = dependencies
    this.#doubted = new ExpiringSet(dependencies.clock, dependencies.idleDelayMs, (keys) => keys.forEach((key) => void this.#lookUp(key)))
  }

  get isFollowed(): boolean {
    return this.#isFollowed
  }

  /** Somebody listens from now on. */
  follow(): void {
    this.#isFollowed = true
  }

  /** A node wants these channels. */
  wanted(channels: Iterable<ChannelName>): void {
    if (!this.#isFollowed) return
    for (const channel of channels) {
      const key = channelKey(channel)
      this.#doubted.delete(key)
      if (this.#active.has(key)) continue
      this.#active.set(key, channel)
      this.#dependencies.changed(channel, true)
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
      void this.#lookUp(key as string)
    }
  }

  stop(): void {
    this.#active.clear()
  }

  async #lookUp(key: string): Promise<void> {
    const { backplane, subjects, isWantedHere, changed, report } = this.#dependencies
    const channel = this.#active.get(key)
    if (channel === undefined || isWantedHere(channel)) return
    try {
      if ((await backplane.subscribers(subjects.channel(channel))) > 0 || isWantedHere(channel)) return
      if (this.#active.delete(key)) changed(channel, false)
    } catch (error) {
      // The broker is not there. The channel gets another turn.
      report(error)
    }
  }
}
