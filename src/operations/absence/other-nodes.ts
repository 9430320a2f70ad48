import type { PresenceCluster } from './options.ts'

export interface OtherNodesDependencies {
  readonly cluster: PresenceCluster | undefined
  /** Called when a user who is followed has just left another node. */
  left(userId: string): void
  report(error: unknown): void
}

/**
 * The other nodes of the cluster: what a watch tells them about departures, and learns from them. Without a cluster, there are none.
 *
 * The cluster is user code. If it throws, the error is reported, and the watch goes on without what it asked for.
 */
export class OtherNodes {
  readonly #dependencies: OtherNodesDependencies
  readonly #unfollow = new Map<string, () => void>()

  constructor(dependencies: OtherNodesDependencies) {
    this.#dependencies = dependencies
  }

  /** Tells the other nodes that a user has just left this node, and listens to whether the user leaves another one. */
  follow(userId: string): void {
    const { cluster, left } = this.#dependencies
    this.#guard(() => cluster?.announceDeparture?.(userId))
    this.#guard(() => {
      const unfollow = cluster?.followDepartures?.(userId, () => left(userId))
      if (unfollow !== undefined) this.#unfollow.set(userId, unfollow)
    })
  }

  unfollow(userId: string): void {
    const unfollow = this.#unfollow.get(userId)
    this.#unfollow.delete(userId)
    this.#guard(() => unfollow?.())
  }

  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#dependencies.report(error)
    }
  }
}
