import { HOSTILE_IDS } from '../../support/hostile.ts'
import type { ClientProcess } from './client-process.ts'
import type { Command, Leave } from './client.ts'
import type { Dice } from '../../support/dice.ts'
import type { Host } from './host.ts'
import { Pace } from './pace.ts'
import { ORDER_SYMBOLS, type StreamName } from './streams.ts'

export interface CrowdOptions {
  readonly dice: Dice
  readonly userIds: readonly string[]
  /** What there is to subscribe to. */
  readonly streams: readonly StreamName[]
  readonly churnPercentPerMinute: number
}

const CLIENTS_PER_USER = 2
const RESUBSCRIPTIONS_A_SECOND = 10
const MOST_OWN_STREAMS = 4
/** What nobody goes below of themselves, so that as many are subscribed after an hour as after a minute. */
const FEWEST_STREAMS = 2
/** Half of them properly, by the client or by the server; half by breaking the connection. */
const WAYS_TO_LEAVE: readonly Leave[] = ['close', 'destroy', 'ask', 'destroy']

/** Ids for so many clients' users; the first are hostile. */
export function userIdsFor(clients: number): string[] {
  return Array.from({ length: Math.ceil(clients / CLIENTS_PER_USER) }, (_, i) => HOSTILE_IDS[i] ?? `user-${i}`)
}

/** Clients who come, go, and change their minds. */
export class Crowd {
  joined = 0
  left = 0
  readonly #host: Host
  readonly #clients: ClientProcess
  readonly #options: CrowdOptions
  readonly #present = new Set<number>()
  #churn: Pace
  #resubscriptions: Pace

  constructor(host: Host, clients: ClientProcess, options: CrowdOptions) {
    this.#host = host
    this.#clients = clients
    this.#options = options
    this.#churn = new Pace(0, 0)
    this.#resubscriptions = new Pace(0, 0)
  }

  /** How many are to be there. */
  get size(): number {
    return this.#present.size
  }

  /** Lets so many more come. */
  grow(count: number): void {
    for (let i = 0; i < count; i++) this.join()
  }

  /** Lets them come and go, as many as there are now, from this moment on. */
  start(nowMs: number): void {
    this.#churn = new Pace((this.#present.size * this.#options.churnPercentPerMinute) / 100 / 60, nowMs)
    this.#resubscriptions = new Pace(RESUBSCRIPTIONS_A_SECOND, nowMs)
  }

  step(nowMs: number): void {
    for (let due = this.#churn.due(nowMs); due > 0; due--) this.#replaceOne()
    for (let due = this.#resubscriptions.due(nowMs); due > 0; due--) this.#changeMind()
  }

  /** A client who has been disconnected is replaced by another. */
  replace(client: number): void {
    if (this.#present.delete(client)) this.join()
  }

  join(): void {
    const { dice, userIds } = this.#options
    const client = ++this.joined
    const userId = dice.pick(userIds)
    this.#present.add(client)
    this.#clients.tell({ type: 'join', client, userId, url: this.#host.urlFor(client, userId) })
  }

  /** Subscribes a client who has just connected. */
  welcome(client: number): void {
    const { dice, streams } = this.#options
    for (let i = 0; i <= dice.below(MOST_OWN_STREAMS); i++) this.#ask(client, 'subscribe', 'connection', dice.pick(streams))
    if (dice.chance(0.5)) this.#ask(client, 'subscribe', 'user', dice.pick(streams))
    this.#ask(client, 'subscribe', dice.pick(['user', 'connection']), this.#someOrders())
  }

  /** Lets everybody leave, each in one of the ways. */
  disperse(): void {
    for (const client of [...this.#present]) this.#leave(client)
  }

  #replaceOne(): void {
    this.#leave(this.#options.dice.pick([...this.#present]))
    this.join()
  }

  #leave(client: number): void {
    this.#present.delete(client)
    this.#clients.tell({ type: 'leave', client, how: WAYS_TO_LEAVE[this.left++ % WAYS_TO_LEAVE.length] as Leave })
  }

  /** Somebody subscribes to something more, or gives something up; now and then a right is taken away. */
  #changeMind(): void {
    const { dice, streams } = this.#options
    const listeners = [...this.#host.roster.listeners.values()]
    if (listeners.length === 0) return
    const { client, userId, own } = dice.pick(listeners)
    const held = this.#host.roster.heldBy(userId)
    const stream = dice.chance(0.2) ? this.#someOrders() : dice.pick(streams)
    if (dice.chance(0.05)) this.#host.revoke(userId, dice.pick([stream, ...own.values(), ...held]))
    else if (held.length > FEWEST_STREAMS && dice.chance(0.5)) this.#ask(client, 'unsubscribe', 'user', dice.pick(held))
    else if (own.size > FEWEST_STREAMS && dice.chance(0.5)) this.#ask(client, 'unsubscribe', 'connection', dice.pick([...own.values()]))
    else this.#ask(client, 'subscribe', dice.chance(0.2) ? 'user' : 'connection', stream)
  }

  #someOrders(): StreamName {
    return { streamType: 'ORDER_UPDATES', symbol: this.#options.dice.pick(ORDER_SYMBOLS) }
  }

  #ask(client: number, command: 'subscribe' | 'unsubscribe', holder: 'user' | 'connection', stream: StreamName): void {
    this.#clients.tell({ type: 'command', client, command: { command, holder, ...stream } satisfies Command })
  }
}
