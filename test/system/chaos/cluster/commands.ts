import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../../../support/dice.ts'
import type { Crowd } from '../crowd.ts'
import type { Judge } from '../judge.ts'
import type { Persona } from '../streams.ts'
import type { Fleet } from './fleet.ts'
import { clubOf } from './roamers.ts'

/** All that commands are about. */
export interface CommandDependencies {
  readonly dice: Dice
  readonly fleet: Fleet
  readonly judge: Judge
  readonly crowd: Crowd
  readonly personas: readonly Persona[]
}

/** A user who is to lose the right to its club, and a user who is to be removed. */
export interface Order {
  readonly revoked: string
  readonly removed: string
}

/** Commands to all nodes, given in the middle of faults. */
export class Commands {
  /** How many revocations were given, and how many removals. */
  count = 0
  readonly #dependencies: CommandDependencies

  constructor(dependencies: CommandDependencies) {
    this.#dependencies = dependencies
  }

  /** Chooses the users. Every node reads their rights from one table, whatever the cluster does, so a client that comes is refused from now on. */
  async prepare(): Promise<Order> {
    const { dice, fleet, judge, personas } = this.#dependencies
    const [revoked, removed] = [0, 1].map(() => dice.pick(personas).userId) as [string, string]
    judge.revoked(revoked, clubOf(revoked))
    await fleet.setRights(revoked, false)
    return { revoked, removed }
  }

  /** Gives the commands by one node. */
  async give({ revoked, removed }: Order, by: number): Promise<void> {
    const { dice, fleet, judge } = this.#dependencies
    await sleep(dice.between(20, 400))
    this.count++
    fleet.command(by, 'revoke', revoked)
    judge.removed(removed)
    fleet.command(by, 'remove', removed)
  }

  /** The user has its right again. */
  async restore({ revoked }: Order): Promise<void> {
    const { crowd, fleet, judge } = this.#dependencies
    await fleet.setRights(revoked, true)
    judge.granted(revoked, clubOf(revoked))
    crowd.grant(revoked, clubOf(revoked))
  }
}
