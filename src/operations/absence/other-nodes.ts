import type { PresenceCluster } from './options.ts'

export interface OtherNodesDependencies {
  readonly cluster: PresenceCluster | undefined
  /** Called when a user who is followed has just left another node. */
  left(userId: string): void
  report(error: unknown): void
}

/**
 * The other nodes of the cluster. `watchAbsence` tells them which users have left this node, and learns from them which users have left another node.
 * Without a cluster, nobody is told, and nothing is learned.
 *
 * The cluster is user code. If a call throws, the error is reported, and the watch goes on as if the cluster did not have this method.
 */
export class OtherNodes {
  readonly #dependencies: OtherNodesDependencies
  readonly #unfollow = new Map<string, () => void>()

  constructor(dependencies: OtherNodesDependencies) {
    this.#dependencies = dependencies
  }

  /** Tells the other nodes that a user has just left this node. Until `unfollow`, `left` is called each time that the user leaves another node. */
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
