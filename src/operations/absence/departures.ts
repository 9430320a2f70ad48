import type { ErrorReports } from '../../guards/error-reports.ts'
import { adopted, isThenable } from '../../guards/user-code.ts'
import type { Clock } from '../../time/clock.ts'
import { ExpiringSet } from '../../time/expiring-set.ts'
import { OtherNodes } from './other-nodes.ts'
import type { PresenceCluster } from './options.ts'
import type { Absence, Departure } from './departure.ts'
import { Questions } from './questions.ts'

export interface DepartureDependencies {
  readonly graceMs: number
  readonly cluster: PresenceCluster | undefined
  readonly clock: Clock
  readonly listener: (absence: Absence) => unknown
  readonly reports: ErrorReports<[absence: Absence]>
}

/**
 * The users who left this node, and whose absence is not settled yet. A departure is settled when the user returns. Otherwise, it is settled at the
 * end of the grace. With a cluster, the cluster is asked at that moment, and the departure is settled when the cluster has answered, or has not
 * answered in time. If another node announces meanwhile that the user has left it, the grace begins again.
 *
 * The listener and the cluster are user code, and may call back into the manager. So each departure is looked up again before it is settled.
 */
export class Departures {
  readonly #dependencies: DepartureDependencies
  readonly #byUser = new Map<string, Departure>()
  readonly #grace: ExpiringSet<Departure>
  readonly #questions: Questions | undefined
  readonly #otherNodes: OtherNodes

  constructor(dependencies: DepartureDependencies) {
    this.#dependencies = dependencies
    this.#grace = new ExpiringSet(dependencies.clock, dependencies.graceMs, (over) => {
      for (const departure of over) this.#endGrace(departure)
    })
    const { clock, cluster, reports } = dependencies
    this.#otherNodes = new OtherNodes({ cluster, left: (userId) => this.#restart(userId), report: (error) => reports.print('its cluster', error) })
    this.#questions = cluster && new Questions({
      clock,
      cluster,
      isOpen: (departure) => this.#isOpen(departure),
      answered: (departure, online) => this.#settle(departure, online),
    })
  }

  add(departure: Departure): void {
    const { userId } = departure
    this.#byUser.set(userId, departure)
    this.#grace.add(departure)
    this.#otherNodes.follow(userId)
  }

  /** Forgets the departure of a user, if there is one. */
  delete(userId: string): void {
    const departure = this.#byUser.get(userId)
    if (departure === undefined) return
    this.#byUser.delete(userId)
    this.#grace.delete(departure)
    this.#otherNodes.unfollow(userId)
  }

  /** Forgets all departures, and returns them, oldest first. */
  clear(): Departure[] {
    const departures = [...this.#byUser.values()]
    for (const { userId } of departures) this.delete(userId)
    this.#questions?.clear()
    return departures
  }

  /** Begins the grace again. The departure is copied, so that an answer of the cluster that is under way is ignored. */
  #restart(userId: string): void {
    const departure = this.#byUser.get(userId)
    if (departure === undefined) return
    const again = { ...departure }
    this.#byUser.set(userId, again)
    this.#grace.delete(departure)
    this.#grace.add(again)
  }

  #endGrace(departure: Departure): void {
    if (this.#questions === undefined) this.#settle(departure, false)
    else this.#questions.ask(departure)
  }

  /** @param online whether the user is connected to another node. If the value is not a boolean, nobody knows */
  #settle(departure: Departure, online: unknown): void {
    if (!this.#isOpen(departure)) return
    this.delete(departure.userId)
    if (online !== true) this.#tell({ ...departure, isCertain: online === false })
  }

  /** False if the user returned, or if the watch was stopped. A user who returned and left again has a new departure. */
  #isOpen(departure: Departure): boolean {
    return this.#byUser.get(departure.userId) === departure
  }

  #tell(absence: Absence): void {
    const { listener, reports } = this.#dependencies
    try {
      const answer = listener(absence)
      if (isThenable(answer)) adopted(answer).catch((error: unknown) => reports.tell(error, absence))
    } catch (error) {
      reports.tell(error, absence)
    }
  }
}
