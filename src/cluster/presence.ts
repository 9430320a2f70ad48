import type { Backplane } from '../ports/backplane.ts'
import type { Clock } from '../time/clock.ts'
import type { Link } from './link.ts'
import type { SubjectSet } from './subject-set.ts'
import type { Subjects } from './subjects.ts'

export interface PresenceDependencies {
  readonly backplane: Pick<Backplane, 'subscribers'>
  readonly subjects: Subjects
  readonly subjectSet: SubjectSet
  readonly clock: Clock
  readonly repairTimeoutMs: number
  readonly link: Pick<Link, 'send'>
  /** The name of this node. */
  readonly node: string
  isOnlineHere(userId: string): boolean
  report(error: unknown): void
}

/**
 * Finds out which users are online on any node. Each user has a subject, and a node is subscribed to the subjects of its online users. So the
 * broker's table of subscribers shows whether a user is online. When a node dies, the broker forgets its subscriptions, so no other node has to
 * report the dead node's users as offline.
 *
 * The table shows only the present. A node that must also know when a user was last online follows the user's departures. Nodes announce them on a
 * second subject of the user.
 */
export class Presence {
  readonly #dependencies: PresenceDependencies
  readonly #followers = new Map<string, Set<() => void>>()

  constructor(dependencies: PresenceDependencies) {
    this.#dependencies = dependencies
  }

  setOnline(userId: string, isOnline: boolean): void {
    const { subjects, subjectSet } = this.#dependencies
    if (isOnline) subjectSet.want(subjects.user(userId))
    else subjectSet.unwant(subjects.user(userId))
  }

  announceDeparture(userId: string): void {
    const { link, node, subjects } = this.#dependencies
    link.send(subjects.departures(userId), { kind: 'departed', node, userId })
  }

  /** Calls the listener each time that another node announces that the user has left it. Returns a function that removes the listener. */
  followDepartures(userId: string, listener: () => void): () => void {
    const { subjects, subjectSet } = this.#dependencies
    const follower = (): void => listener()
    const followers = this.#followers.get(userId) ?? new Set()
    this.#followers.set(userId, followers.add(follower))
    if (followers.size === 1) subjectSet.want(subjects.departures(userId))
    return () => {
      if (!followers.delete(follower) || followers.size > 0) return
      this.#followers.delete(userId)
      subjectSet.unwant(subjects.departures(userId))
    }
  }

  /** Call when another node has announced that the user has left it. */
  departed(userId: string): void {
    for (const follower of [...(this.#followers.get(userId) ?? [])]) {
      try {
        follower()
      } catch (error) {
        this.#dependencies.report(error)
      }
    }
  }

  /**
   * Resolves to true if the user has a connection on any node. Rejects if the call to the broker rejects, or if the broker has not answered after
   * `repairTimeoutMs`.
   */
  isOnline(userId: string): Promise<boolean> {
    const { clock, repairTimeoutMs } = this.#dependencies
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimeout(() => reject(new Error(`No answer within ${repairTimeoutMs} ms`)), repairTimeoutMs)
      this.#lookUp(userId).finally(cancel).then(resolve, reject)
    })
  }

  async #lookUp(userId: string): Promise<boolean> {
    const { backplane, subjects, subjectSet, isOnlineHere } = this.#dependencies
    if (isOnlineHere(userId)) return true
    // A user who left this node a moment ago may still be in the table.
    await subjectSet.settled()
    return isOnlineHere(userId) || (await backplane.subscribers(subjects.user(userId))) > 0
  }
}
