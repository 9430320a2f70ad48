import type { Backplane } from '../ports/backplane.ts'
import type { Clock } from '../time/clock.ts'
import type { SubjectSet } from './subject-set.ts'
import type { Subjects } from './subjects.ts'

export interface PresenceDependencies {
  readonly backplane: Pick<Backplane, 'subscribers'>
  readonly subjects: Subjects
  readonly subjectSet: SubjectSet
  readonly clock: Clock
  readonly repairTimeoutMs: number
  isOnlineHere(userId: string): boolean
}

/**
 * Finds out which users are online on any node. Each user has a subject, and a node is subscribed to the subjects of its online users. So the
 * broker's table of subscribers shows whether a user is online. When a node dies, the broker forgets its subscriptions, so no other node has to
 * report the dead node's users as offline.
 */
export class Presence {
  readonly #dependencies: PresenceDependencies

  constructor(dependencies: PresenceDependencies) {
    this.#dependencies = dependencies
  }

  setOnline(userId: string, isOnline: boolean): void {
    const { subjects, subjectSet } = this.#dependencies
    if (isOnline) subjectSet.want(subjects.user(userId))
    else subjectSet.unwant(subjects.user(userId))
  }

  /** Rejects if the call to the broker rejects, or if the broker has not answered after `repairTimeoutMs`. */
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
