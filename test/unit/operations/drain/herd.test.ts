import { describe, expect, it } from 'vitest'
import { ConnectionManager, type Connection, type Socket } from '../../../../src/index.ts'
import { drain, drainOf, type DrainReport } from '../../../../src/operations/index.ts'
import { createCommandServer } from '../../../../src/protocol/index.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const CLIENTS = 100_000
const PER_SECOND = 2_000
const STEP_MS = 50
const random = seededRandom(7)

/** Clients that are sent away, and come back: to another server, or to the one that drains, which refuses them. */
class Herd {
  readonly #clock: ManualClock
  readonly #acts = new Map<number, (() => void)[]>()
  /** How many clients tried to connect in each step. */
  readonly attempts: number[] = []
  readonly #refuse: () => number

  /** `refuse` is called for a client that comes to the server that drains, and returns after how many milliseconds the client comes again. */
  constructor(clock: ManualClock, refuse: () => number) {
    this.#clock = clock
    this.#refuse = refuse
  }

  later(ms: number, act: () => void): void {
    const step = Math.floor((this.#clock.monotonic() + ms) / STEP_MS)
    const acts = this.#acts.get(step) ?? []
    acts.push(act)
    this.#acts.set(step, acts)
  }

  /** A load balancer that has not noticed yet sends every second client back to the server that drains. */
  connect(): void {
    const step = Math.floor(this.#clock.monotonic() / STEP_MS)
    this.attempts[step] = (this.attempts[step] ?? 0) + 1
    if (random() < 0.5) this.later(this.#refuse(), () => this.connect())
  }

  step(): void {
    const step = Math.floor(this.#clock.monotonic() / STEP_MS)
    for (const act of this.#acts.get(step) ?? []) act()
    this.#acts.delete(step)
  }

  get isOver(): boolean {
    return this.#acts.size === 0
  }

  /** The most attempts in any second, wherever it begins. */
  get worstSecond(): number {
    const steps = 1_000 / STEP_MS
    let [sum, worst] = [0, 0]
    for (let step = 0; step < this.attempts.length; step++) {
      sum += (this.attempts[step] ?? 0) - (this.attempts[step - steps] ?? 0)
      worst = Math.max(worst, sum)
    }
    return worst
  }
}

async function herd(isOfProtocol: boolean) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<Socket>({ clock, quotas: { connections: CLIENTS } })
  const commands = createCommandServer(manager, { clock })
  const clients = new Herd(clock, () => drainOf(manager)?.refusal().afterMs ?? 0)
  for (let i = 0; i < CLIENTS; i++) {
    // One in a hundred is an old client, which does not understand a goodbye.
    const isOld = i % 100 === 0
    let connection: Connection | undefined
    const socket = {
      send(text: string) {
        if (isOld || !text.startsWith('{"type":"goodbye"')) return
        const { after_ms: afterMs, within_ms: withinMs } = JSON.parse(text) as { after_ms: number; within_ms: number }
        clients.later(afterMs + random() * (withinMs - afterMs), () => {
          if (connection?.removed === true) return
          void connection?.remove({ close: false })
          clients.connect()
        })
      },
      // Without a goodbye, a client comes back within a second.
      close: () => clients.later(random() * 1_000, () => clients.connect()),
    }
    connection = manager.addConnection(`c${i}`, socket, `user ${i}`)
    if (isOfProtocol) commands.open(connection)
  }
  let report: DrainReport | undefined
  void drain(manager, { clock, perSecond: PER_SECOND, overMs: 60_000, ...(isOfProtocol && { commands }) }).then((result) => (report = result))
  for (let ms = 0; ms < 300_000 && !(report !== undefined && clients.isOver); ms += STEP_MS) {
    clients.step()
    for (let i = 0; i < 10; i++) await Promise.resolve()
    clock.advance(STEP_MS)
  }
  return { report, worstSecond: clients.worstSecond, attempts: clients.attempts.reduce((sum, each = 0) => sum + each, 0) }
}

describe('the drain of 100,000 clients at 2,000 a second', () => {
  it.each([
    ['that know the protocol', true, { told: CLIENTS, left: 99_000, closed: 1_000, remained: 0 }],
    ['that know nothing', false, { told: 0, left: 0, closed: CLIENTS, remained: 0 }],
  ])('brings at most half as many again to the other servers in any second, from clients %s', async (_, isOfProtocol, counts) => {
    const { report, worstSecond, attempts } = await herd(isOfProtocol)

    expect(report).toMatchObject(counts)
    expect(attempts).toBeGreaterThanOrEqual(CLIENTS)
    expect(worstSecond).toBeGreaterThan(PER_SECOND)
    expect(worstSecond).toBeLessThanOrEqual(1.5 * PER_SECOND)
  }, 60_000)
})
