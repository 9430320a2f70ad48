import { setImmediate as nextTick } from 'node:timers/promises'
import { ConnectionManager, type Connection, type Socket, type Subscription, type Transport } from '../../../src/index.ts'
import { HOSTILE_IDS } from '../../support/hostile.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { Dice } from '../../support/dice.ts'
import { inMiB, sampleMemory } from './memory.ts'
import { remainsOf } from './remains.ts'
import { streams, type Streams } from './streams.ts'
import type { Verdict } from './verdict.ts'

const RESIDENTS = 10_000
/** Visitors who are there at a time. */
const VISITORS = 1_000
const CYCLES_A_TICK = 1_000
const TICK_MS = 100
const ROUNDS = 5
const IDLE_MS = 60_000
/** What the runtime may keep for itself: compiled code, and tables with some room. Three bytes of each cycle of a million. */
const HEAP_BOUND_BYTES = 3 * 1024 * 1024

/** Who of those who are there leaves next; an index. */
type Order = (length: number, turn: number, dice: Dice) => number

const ORDERS: readonly Order[] = [
  () => 0,
  (length) => length - 1,
  (length, _turn, dice) => dice.below(length),
  (length, turn) => (turn * 2) % length,
]

class QuietSocket implements Socket {
  send(): void {}
  close(): void {}
}

/** Its buffer is full: what is sent to it waits. */
class FullSocket extends QuietSocket {
  readonly bufferedAmount = 1_000_000
}

class BrokenSocket extends QuietSocket {
  override send(): void {
    throw new Error('broken')
  }

  override close(): void {
    throw new Error('broken as well')
  }
}

/** It never says that it is closed. */
class HangingSocket extends QuietSocket {
  override close(): Promise<void> {
    return new Promise(() => {})
  }
}

const BATCHING: Transport<Socket> = { write: () => {}, bufferedBytes: () => 0 }

type Handle = Connection<Socket, Streams>

interface Visitor {
  readonly connection: Handle
  readonly subscription: Subscription
}

/** Connections that come, subscribe, get something, and leave, over a population that stays, by the million. */
export class ChurnCycles {
  readonly #clock = new ManualClock()
  readonly #manager = new ConnectionManager<Socket, Streams>({
    streams,
    clock: this.#clock,
    pendingTtlMs: 10 * TICK_MS,
    delivery: { hardLimitBytes: 10_000 },
  })
  readonly #cycles: number
  readonly #dice: Dice
  readonly #verdict: Verdict
  readonly #residents: Handle[] = []
  readonly #visitors: Visitor[] = []
  readonly #wrong: string[] = []
  /** How many there are, by this class's own count; listeners to the hot stream among them. */
  #there = 0
  #hot = 0
  #joined = 0

  constructor(cycles: number, dice: Dice, verdict: Verdict) {
    this.#cycles = cycles
    this.#dice = dice
    this.#verdict = verdict
    this.#manager.on('error', () => {})
    this.#manager.on('connectionRemoved', ({ reason }) => {
      if (reason === 'send-failed' || reason === 'slow-consumer') this.#there--
    })
  }

  async run(): Promise<void> {
    const before = sampleMemory()
    for (let i = 0; i < RESIDENTS; i++) this.#residents.push(this.#settle())
    const growth = await this.#churn()
    await this.#leave()
    this.#verdict.check('during the cycles: each look found as many as there were', this.#wrong.length === 0, this.#wrong.slice(0, 5))
    this.#judgeHeap('over the cycles: the heap is flat', growth)
    const left = remainsOf(this.#manager)
    this.#verdict.check('after the cycles: nothing is left', left.length === 0, left)
    this.#verdict.check('after the cycles: no timer is left', this.#clock.pendingTimers === 0, [`${this.#clock.pendingTimers} timers`])
    this.#judgeHeap('after the cycles: the heap is what it was', sampleMemory().heapBytes - before.heapBytes)
  }

  /** Runs all cycles; how much the heap has grown from the second round of orders to the last. */
  async #churn(): Promise<number> {
    const apart = Math.ceil(this.#cycles / (ROUNDS * ORDERS.length))
    const heaps: number[] = []
    for (let cycle = 0; cycle < this.#cycles; cycle++) {
      this.#cycle(cycle, ORDERS[Math.floor(cycle / apart) % ORDERS.length] as Order)
      if (cycle % CYCLES_A_TICK === 0) await this.#tick()
      if ((cycle + 1) % apart === 0 || cycle + 1 === this.#cycles) heaps.push(await this.#look())
    }
    const [early, late] = [mean(heaps.slice(ORDERS.length, 2 * ORDERS.length)), mean(heaps.slice(-ORDERS.length))]
    const perMillion = ((late - early) / (this.#cycles * (1 - 2 / ROUNDS))) * 1_000_000
    const rounds = `${ROUNDS} rounds of ${ORDERS.length} orders of leaving`
    this.#verdict.note(`cycles  ${this.#cycles} over ${RESIDENTS} residents and ${VISITORS} visitors, in ${rounds}`)
    this.#verdict.note(`        heap ${inMiB(early)} in the second round, ${inMiB(late)} in the last; ${inMiB(perMillion)} a million cycles\n`)
    return late - early
  }

  #cycle(cycle: number, order: Order): void {
    this.#visit(cycle)
    if (this.#visitors.length > VISITORS) {
      const [leaver] = this.#visitors.splice(order(this.#visitors.length, cycle, this.#dice), 1)
      this.#dismiss(leaver as Visitor, cycle)
    }
    if (cycle % 64 === 0) this.#replaceResident()
  }

  // Those who stay

  #settle(): Handle {
    const number = this.#dice.below(RESIDENTS / 2)
    const connection = this.#connect(new QuietSocket(), `resident ${number}`)
    connection.subscribe({ streamType: 'TRADES', symbol: 'HOT' })
    this.#hot++
    // By the user and not by chance, so that as many are subscribed at the end as at the beginning.
    if (number % 2 === 0) this.#manager.addSubscription({ userId: connection.userId, streamType: 'ORDER_UPDATES' })
    return connection
  }

  #replaceResident(): void {
    const [leaver] = this.#residents.splice(this.#dice.below(this.#residents.length), 1)
    this.#hot--
    this.#there--
    void (leaver as Handle).remove()
    this.#residents.push(this.#settle())
  }

  // Those who come and go

  #visit(cycle: number): void {
    switch (cycle % 16) {
      case 0: return this.#visitBroken(cycle)
      case 1: return this.#askTooLate(cycle)
      case 2: return this.#stay(cycle, this.#connect(new FullSocket(), userIdFor(cycle)))
      case 3: return this.#stay(cycle, this.#connect(new HangingSocket(), userIdFor(cycle)))
      case 4: case 5: case 6: case 7: return this.#stay(cycle, this.#connect(new QuietSocket(), userIdFor(cycle), BATCHING))
      default: return this.#stay(cycle, this.#connect(new QuietSocket(), userIdFor(cycle)))
    }
  }

  #stay(cycle: number, connection: Handle): void {
    const { userId } = connection
    const symbol = HOSTILE_IDS[cycle % HOSTILE_IDS.length] as string
    connection.subscribe({ streamType: 'ORDER_UPDATES', symbol })
    const subscription = connection.subscribe({ streamType: 'PRICE', symbol, filters: { cycle } })
    if (cycle % 3 === 0) this.#manager.addSubscription({ userId, streamType: 'ORDER_UPDATES' })
    if (cycle % 4 !== 3) this.#manager.publish({ streamType: 'ORDER_UPDATES', symbol, userId, data: cycle })
    if (cycle % 5 === 0) this.#manager.sendToConnection(connection.id, { streamType: 'TRADES', symbol, data: cycle })
    this.#visitors.push({ connection, subscription })
  }

  #dismiss({ connection, subscription }: Visitor, cycle: number): void {
    const { id, userId } = connection
    if (cycle % 3 === 0) connection.unsubscribe(subscription)
    if (cycle % 7 === 0) this.#manager.removeSubscription(subscription)
    if (cycle % 11 === 0) this.#manager.revoke({ userId, streamType: 'ORDER_UPDATES' })
    // The library may have removed it before.
    if (!connection.removed) this.#there--
    if (cycle % 3 === 0) void connection.remove()
    else if (cycle % 3 === 1) void connection.remove({ close: false })
    else void this.#manager.removeConnection(id)
  }

  /** The library removes it, at the first message. */
  #visitBroken(cycle: number): void {
    const connection = this.#connect(new BrokenSocket(), userIdFor(cycle))
    this.#manager.addSubscription({ userId: connection.userId, streamType: 'USER_DATA' })
    this.#manager.sendToConnection(connection.id, { streamType: 'USER_DATA', data: cycle })
  }

  /** A subscription for somebody who has gone, or never comes; and what is refused, which is to change nothing. */
  #askTooLate(cycle: number): void {
    this.#manager.addSubscription({ userId: `late ${cycle}`, streamType: 'BOT_STATUS' })
    const resident = this.#residents[cycle % this.#residents.length] as Handle
    refused(() => this.#manager.addConnection(resident.id, new QuietSocket(), `late ${cycle}`))
    refused(() => resident.subscribe({ streamType: 'PRICE', symbol: '' }))
    refused(() => this.#manager.sendToUser(resident.userId, { streamType: 'USER_DATA', data: () => {} }))
  }

  #connect(socket: Socket, userId: string, transport?: Transport<Socket>): Handle {
    this.#there++
    return this.#manager.addConnection(`${HOSTILE_IDS[this.#joined % 8]}${this.#joined++}`, socket, userId, { transport })
  }

  // What is looked at

  async #tick(): Promise<void> {
    await nextTick()
    this.#clock.advance(TICK_MS)
  }

  async #look(): Promise<number> {
    await this.#tick()
    const { matched } = this.#manager.publish({ streamType: 'TRADES', symbol: 'HOT', data: 'look' })
    if (matched !== this.#hot) this.#wrong.push(`${matched} listen to the hot stream, not ${this.#hot}`)
    const { connectionCount } = this.#manager
    if (connectionCount !== this.#there) this.#wrong.push(`${connectionCount} connections, not ${this.#there}`)
    return sampleMemory().heapBytes
  }

  async #leave(): Promise<void> {
    const visitors = this.#visitors.splice(0).map(({ connection }) => connection)
    for (const connection of [...visitors, ...this.#residents.splice(0)]) void connection.remove()
    await nextTick()
    this.#clock.advance(IDLE_MS)
    await nextTick()
  }

  #judgeHeap(what: string, grownBytes: number): void {
    this.#verdict.check(`${what}, within ${inMiB(HEAP_BOUND_BYTES)}: ${inMiB(grownBytes)} more`, grownBytes <= HEAP_BOUND_BYTES)
  }
}

/** One of some hundred, so that several of a user's connections are there at a time. */
function userIdFor(cycle: number): string {
  const number = (cycle >> 1) % 400
  return `${HOSTILE_IDS[number % HOSTILE_IDS.length]?.slice(0, 200)}/${number}`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function refused(call: () => unknown): void {
  try {
    call()
  } catch {
    return
  }
  throw new Error('An invalid call was not refused')
}
