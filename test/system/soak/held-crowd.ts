import { setImmediate as nextTick } from 'node:timers/promises'
import { ConnectionManager, type Socket } from '../../../src/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import type { Dice } from '../../support/dice.ts'
import { inMiB, sampleMemory } from './memory.ts'
import { remainsOf } from './remains.ts'
import type { Verdict } from './verdict.ts'

const SYMBOLS = 1_000
const MOST_CONNECTIONS_A_USER = 3
const LOOKS = 200
/** Promises settle between two of these: so many removals may wait for that. */
const AT_A_TIME = 1_000
/** What the runtime may keep for itself: compiled code, and tables with some room. Three bytes of each connection of a million. */
const HEAP_BOUND_BYTES = 3 * 1024 * 1024
const IDLE_MS = 60_000

let received = 0

/** As small as a socket can be, so that what is measured is the library's. */
class IdleSocket implements Socket {
  send(): void {
    received++
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** A crowd of connections, one to three a user and two subscriptions each, that is held, looked at, and drained in random order. */
export class HeldCrowd {
  readonly #manager: ConnectionManager
  readonly #clock = new ManualClock()
  readonly #dice: Dice
  readonly #verdict: Verdict
  // Arrays of numbers, since they are not on the heap that is measured.
  readonly #userOf: Uint32Array
  readonly #symbolOf: Uint16Array
  readonly #isThere: Uint8Array
  readonly #audience = new Uint32Array(SYMBOLS)

  constructor(count: number, dice: Dice, verdict: Verdict) {
    this.#manager = new ConnectionManager({ clock: this.#clock, quotas: { connections: count } })
    this.#dice = dice
    this.#verdict = verdict
    this.#userOf = new Uint32Array(count)
    this.#symbolOf = new Uint16Array(count)
    this.#isThere = new Uint8Array(count)
  }

  get #count(): number {
    return this.#userOf.length
  }

  async run(): Promise<void> {
    const before = sampleMemory()
    this.#fill()
    this.#describe(sampleMemory().heapBytes - before.heapBytes)
    this.#look('held')
    await this.#drain()
    const { pendingTimers } = this.#clock
    this.#verdict.check('drained: no timer but the one of idle streams', pendingTimers <= 1, [`${pendingTimers} timers`])
    this.#clock.advance(IDLE_MS)
    this.#judge(sampleMemory().heapBytes - before.heapBytes)
  }

  #describe(heldBytes: number): void {
    const { connectionCount, userCount, subscriptionCount } = this.#manager
    const bytesEach = Math.round(heldBytes / this.#count)
    this.#verdict.note(`held    ${connectionCount} connections of ${userCount} users, ${subscriptionCount} subscriptions, two a connection`)
    this.#verdict.note(`        ${inMiB(heldBytes)}: ${bytesEach} bytes a connection, with its socket, ids and subscriptions\n`)
  }

  #fill(): void {
    for (let i = 0, userId = 0; i < this.#count; userId++) {
      const end = Math.min(this.#count, i + 1 + this.#dice.below(MOST_CONNECTIONS_A_USER))
      const isHeldByUser = userId % 3 === 0
      for (; i < end; i++) this.#connect(i, userId, isHeldByUser)
    }
  }

  #connect(i: number, userId: number, isHeldByUser: boolean): void {
    const symbol = this.#dice.below(SYMBOLS)
    const connection = this.#manager.addConnection(`c${i}`, new IdleSocket(), `u${userId}`)
    connection.subscribe({ streamType: 'PRICE', symbol: `S${symbol}` })
    if (isHeldByUser) this.#manager.addSubscription({ userId: `u${userId}`, streamType: 'ORDER_UPDATES' })
    else connection.subscribe({ streamType: 'ORDER_UPDATES' })
    this.#userOf[i] = userId
    this.#symbolOf[i] = symbol
    this.#isThere[i] = 1
    this.#audience[symbol] = (this.#audience[symbol] as number) + 1
  }

  /** Whether messages reach those who are there, and nobody else. */
  #look(when: string): void {
    const wrong: string[] = []
    for (let look = 0; look < LOOKS; look++) {
      wrong.push(...this.#publishPrice(this.#dice.below(SYMBOLS)), ...this.#publishOrder(this.#dice.below(this.#count)))
    }
    this.#verdict.check(`${when}: prices and orders reach exactly those who are there`, wrong.length === 0, wrong.slice(0, 5))
  }

  #publishPrice(symbol: number): string[] {
    const expected = this.#audience[symbol] as number
    return this.#reached(`S${symbol}`, expected, () => this.#manager.publish({ streamType: 'PRICE', symbol: `S${symbol}`, data: 1 }))
  }

  #publishOrder(i: number): string[] {
    const userId = this.#userOf[i] as number
    const expected = this.#connectionsOf(i).length
    return this.#reached(`u${userId}`, expected, () => this.#manager.publish({ streamType: 'ORDER_UPDATES', userId: `u${userId}`, data: 1 }))
  }

  #reached(name: string, expected: number, publish: () => { readonly matched: number; readonly sent: number }): string[] {
    const before = received
    const { matched, sent } = publish()
    const came = received - before
    const isRight = matched === expected && sent === expected && came === expected
    return isRight ? [] : [`${name}: ${expected} are there, ${matched} matched, ${came} came`]
  }

  /** Those who are there of the user of this connection: they came one after the other. */
  #connectionsOf(i: number): number[] {
    const siblings: number[] = []
    const userId = this.#userOf[i]
    for (let j = Math.max(0, i - MOST_CONNECTIONS_A_USER); j < Math.min(this.#count, i + MOST_CONNECTIONS_A_USER); j++) {
      if (this.#userOf[j] === userId && this.#isThere[j] === 1) siblings.push(j)
    }
    return siblings
  }

  async #drain(): Promise<void> {
    const order = this.#shuffled()
    for (const [turn, i] of order.entries()) {
      if (this.#isThere[i] === 1) this.#remove(i, turn)
      if (turn === this.#count >> 1) this.#look('half of them gone')
      if (turn % AT_A_TIME === 0) await nextTick()
    }
    await nextTick()
  }

  #shuffled(): Uint32Array {
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i)
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.#dice.below(i + 1)
      const swapped = order[i] as number
      order[i] = order[j] as number
      order[j] = swapped
    }
    return order
  }

  /** Removes a connection in one of the ways that there are, now and then with all of its user's. */
  #remove(i: number, turn: number): void {
    const isWholeUser = turn % 10 === 0
    for (const each of isWholeUser ? this.#connectionsOf(i) : [i]) this.#noteLeft(each)
    if (isWholeUser) void this.#manager.removeUser(`u${this.#userOf[i]}`)
    else if (turn % 2 === 0) void this.#manager.removeConnection(`c${i}`)
    else void this.#manager.getConnection(`c${i}`)?.remove({ close: false })
  }

  #noteLeft(i: number): void {
    const symbol = this.#symbolOf[i] as number
    this.#isThere[i] = 0
    this.#audience[symbol] = (this.#audience[symbol] as number) - 1
  }

  #judge(grownBytes: number): void {
    const left = remainsOf(this.#manager)
    this.#verdict.check('drained in random order: nothing is left', left.length === 0, left)
    this.#verdict.check('drained: no timer is left', this.#clock.pendingTimers === 0)
    const bound = `the heap is what it was, within ${inMiB(HEAP_BOUND_BYTES)}: ${inMiB(grownBytes)} more`
    this.#verdict.check(`drained: ${bound}`, grownBytes <= HEAP_BOUND_BYTES)
  }
}
