import type { Operation } from './operations.ts'
import { Performer } from './performer.ts'
import type { Setting } from './setting.ts'
import { describe } from './trace.ts'
import type { Tally } from './tally.ts'
import { World } from './world.ts'

/** What one sequence is: what it is run with, who is there at first, and what is done then. */
export interface Plan {
  readonly setting: Setting
  readonly arrivals: readonly Operation[]
  readonly operations: readonly Operation[]
}

/** What was wrong, and what had been done until then. */
export class Fault extends Error {
  readonly complaints: readonly string[]
  readonly lines: readonly string[]

  constructor(complaints: readonly string[], lines: readonly string[]) {
    super(complaints.join('\n'))
    this.name = 'Fault'
    this.complaints = complaints
    this.lines = lines
  }
}

const afterThisTurn = setImmediate

/** Runs one sequence to its end, with `setImmediate` and `unhandledRejection` in its own hands. */
export async function runSequence(plan: Plan, tally: Tally, isTraced = false): Promise<void> {
  const sequence = new Sequence(plan, tally, isTraced)
  const rejected = (error: unknown): void => sequence.world.complain(`A rejection was not handled: ${String(error)}`)
  process.on('unhandledRejection', rejected)
  globalThis.setImmediate = ((act: () => void) => sequence.world.atEndOfTick.push(act)) as unknown as typeof setImmediate
  try {
    await sequence.run()
    // Rejections that nobody handled are told of when a turn ends.
    await new Promise<void>((resolve) => afterThisTurn(resolve))
    sequence.assertSound()
  } finally {
    globalThis.setImmediate = afterThisTurn
    process.off('unhandledRejection', rejected)
  }
}

class Sequence {
  readonly world: World
  readonly #plan: Plan
  readonly #performer: Performer

  constructor(plan: Plan, tally: Tally, isTraced: boolean) {
    this.#plan = plan
    this.world = new World(plan.setting, tally, isTraced, (operation) => this.#performer.perform(operation))
    this.#performer = new Performer(this.world)
    tally.sequences++
  }

  async run(): Promise<void> {
    const { setting, arrivals, operations } = this.#plan
    this.world.trace.say(() => `// ${describe({ ...setting, favourites: undefined })}`)
    for (const operation of [...arrivals, ...operations]) await this.#step(() => this.#performer.perform(operation))
    await this.#end()
  }

  assertSound(): void {
    const { complaints, trace } = this.world
    if (complaints.length > 0) throw new Fault(complaints, trace.lines)
  }

  async #step(act: () => void): Promise<void> {
    act()
    this.assertSound()
    await this.world.settle()
    this.world.assertSettled()
    this.assertSound()
  }

  /** Lets everybody have what is due, then leave; and nothing must be left. */
  async #end(): Promise<void> {
    const { connectionCalls, environment } = this.#performer
    const { manager, facts } = this.world
    this.world.userCode.disarm()
    await this.#step(() => environment.recover())
    if (this.#plan.setting.ending === 'leave') {
      for (const userId of new Set([...facts.live, ...facts.subscriptions].map((each) => each.userId))) {
        await this.#step(() => connectionCalls.removeUser(userId))
      }
    } else await this.#step(() => connectionCalls.cleanup(1_000))
    for (const ms of [0, 1_000, 10_000]) await this.#step(() => environment.advance(ms))
    await this.#step(() => environment.tick())
    this.#assertNothingIsLeft()
    if (!manager.closed) await this.#step(() => connectionCalls.cleanup(0))
    await this.#step(() => environment.advance(0))
    this.world.closings.assertAllSettled()
    this.assertSound()
  }

  #assertNothingIsLeft(): void {
    const { manager, clock, sockets, facts } = this.world
    const { connectionCount, userCount, subscriptionCount, streamCount } = manager
    const left = connectionCount + userCount + subscriptionCount + streamCount
    if (left > 0) this.world.complain('Something is left, and everybody has gone')
    if (clock.pendingTimers > 0) this.world.complain(`${clock.pendingTimers} timers are left`)
    if (!facts.isClosed && facts.idling.size === 0 && manager.activeStreams().length > 0)
      this.world.complain('Streams are active, and nobody is there')
    for (const { name, drainListeners, closeListeners } of sockets) {
      if (drainListeners.size + closeListeners.size > 0) this.world.complain(`${name} is listened to still`)
    }
    this.assertSound()
  }
}
